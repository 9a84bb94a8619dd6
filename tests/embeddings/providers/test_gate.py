"""The gate: what one worker learns of a provider holds for all of them, through Redis."""

import copy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from embeddings.exceptions import ProviderError, ProviderMisconfigured, ProviderPaused, ProviderUnavailable, RateLimited
from embeddings.providers import get_provider
from embeddings.providers.fake import FakeProvider
from embeddings.providers.gate import Gate, keys_of, read_troubles
from embeddings.providers.probe import probe
from queues import get_queue
from queues.testing import memory_queues


@pytest.fixture
def gate() -> Gate:
    return Gate(FakeProvider())


def other_worker() -> Gate:
    return Gate(FakeProvider())


def redis() -> Any:
    return get_queue("embeddings").connection


def elapse(gate: Gate) -> None:
    """What the end of the pause would do."""
    redis().delete(keys_of(gate.id)[0])


def fail(gate: Gate, error: ProviderError) -> float:
    """A request that ends so. Returns how long all wait now."""
    with pytest.raises(type(error)) as caught, gate.passage(seconds=5):
        raise error
    assert caught.value.retry_after is not None
    return caught.value.retry_after


def is_turned_away(gate: Gate) -> ProviderPaused | None:
    try:
        with gate.passage(seconds=5):
            return None
    except ProviderPaused as error:
        return error


def limited(retry_after: float | None = None) -> RateLimited:
    return RateLimited("slow down", retry_after=retry_after)


def test_a_healthy_provider_is_asked_by_all_and_leaves_nothing_in_redis(gate: Gate) -> None:
    with gate.passage(seconds=5) as is_probe, other_worker().passage(seconds=5) as is_other_probe:
        assert not is_probe and not is_other_probe
    assert redis().keys("*gate*") == []
    assert str(gate.state) == "serving"


def test_a_rate_limit_pauses_every_worker_for_as_long_as_the_provider_asks(gate: Gate) -> None:
    assert fail(gate, limited(7)) == 7
    turned_away = is_turned_away(other_worker())
    assert turned_away and turned_away.kind == "rate_limit" and turned_away.retryable
    assert 6 < (turned_away.retry_after or 0) <= 7
    assert is_turned_away(Gate(FakeProvider(model="another"))) is None


def test_a_pause_ends_by_itself(gate: Gate) -> None:
    fail(gate, limited(0.1))
    deadline = threading.Event()
    while is_turned_away(other_worker()):
        deadline.wait(0.02)
    assert gate.state.kind is None


@pytest.mark.parametrize(
    ("error", "waits"),
    [
        (limited, [1, 2, 4, 8, 16, 32, 60, 60]),
        (lambda: ProviderUnavailable("down"), [1, 2, 4, 8, 16, 32, 60, 60]),
        (lambda: ProviderMisconfigured("no key"), [60, 120, 240, 480, 600, 600]),
    ],
)
def test_each_failed_probe_doubles_the_wait_with_jitter(gate: Gate, error: Callable[[], ProviderError], waits: list[float]) -> None:
    for wait in waits:
        assert wait * 0.79 <= fail(gate, error()) <= wait
        elapse(gate)
    assert gate.state.failures == len(waits)


def test_an_endless_retry_after_is_not_believed(gate: Gate) -> None:
    assert fail(gate, limited(1e9)) == 3600
    elapse(gate)
    assert fail(gate, limited(0)) == 0.1


def test_what_many_callers_meet_at_once_is_one_trouble(gate: Gate) -> None:
    all_in = threading.Barrier(5)

    def request(number: int) -> float:
        with pytest.raises(RateLimited) as caught, other_worker().passage(seconds=5):
            all_in.wait(5)
            raise limited(5 if number == 3 else None)
        return caught.value.retry_after or 0

    with ThreadPoolExecutor(5) as threads:
        list(threads.map(request, range(5)))
    assert gate.state.failures == 1
    assert 4 < gate.state.retry_in_seconds <= 5, "the longest wait holds"


def test_a_shorter_wait_that_comes_later_does_not_shorten_the_pause(gate: Gate) -> None:
    with pytest.raises(RateLimited) as caught, other_worker().passage(seconds=5):
        fail(gate, limited(7))
        raise limited(2)
    assert 6 < gate.state.retry_in_seconds <= 7 and 6 < (caught.value.retry_after or 0) <= 7


def test_after_the_pause_exactly_one_of_many_is_let_through(gate: Gate) -> None:
    fail(gate, limited())
    elapse(gate)
    let_through: list[bool] = []
    start, done = threading.Barrier(20), threading.Event()

    def request(number: int) -> None:
        start.wait(5)
        try:
            with other_worker().passage(seconds=5) as is_probe:
                let_through.append(is_probe)
                done.wait(5)
        except ProviderPaused as error:
            assert 0 < (error.retry_after or 0) <= 1, "the others ask again soon"
            turned_away.append(1)
            if len(turned_away) == 19:
                done.set()

    turned_away: list[int] = []
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(request, range(20)))
    assert (let_through, len(turned_away)) == ([True], 19)
    assert is_turned_away(gate) is None and gate.state.kind is None


def test_a_probe_that_died_is_followed_by_another(gate: Gate) -> None:
    fail(gate, limited())
    elapse(gate)
    with pytest.raises(KeyboardInterrupt), gate.passage(seconds=5) as is_probe:
        assert is_probe
        raise KeyboardInterrupt
    assert is_turned_away(other_worker())
    assert 5000 < redis().pttl(keys_of(gate.id)[2]) <= 6000
    redis().delete(keys_of(gate.id)[2])  # as its time to live does
    with other_worker().passage(seconds=5) as is_probe:
        assert is_probe


def test_a_late_success_from_before_does_not_end_the_trouble(gate: Gate) -> None:
    with gate.passage(seconds=5):
        fail(other_worker(), limited(7))
    assert is_turned_away(gate)


def test_a_circuit_outranks_a_pause_and_is_hidden_by_none(gate: Gate) -> None:
    with pytest.raises(ProviderUnavailable), other_worker().passage(seconds=5):
        with pytest.raises(ProviderMisconfigured), other_worker().passage(seconds=5):
            fail(gate, limited(7))
            raise ProviderMisconfigured("no such model")
        raise ProviderUnavailable("late", retry_after=100)
    assert (gate.state.is_open, gate.state.reason) == (True, "no such model")
    assert 99 < gate.state.retry_in_seconds <= 100


def test_a_probe_that_meets_another_trouble_begins_anew(gate: Gate) -> None:
    for _ in range(5):
        fail(gate, limited())
        elapse(gate)
    assert 40 < fail(gate, ProviderMisconfigured("quota")) <= 60
    assert (gate.state.kind, gate.state.failures) == ("circuit", 1)


def test_a_changed_key_is_another_gate() -> None:
    with override_settings(EMBEDDINGS_OPENAI_API_KEY="wrong"):
        fail(Gate(get_provider("openai")), ProviderMisconfigured("wrong key"))
        assert is_turned_away(Gate(get_provider("openai")))
    with override_settings(EMBEDDINGS_OPENAI_API_KEY="right"):
        assert is_turned_away(Gate(get_provider("openai"))) is None
    assert b"wrong" not in b"".join(key for key in redis().keys("*"))


def test_the_state_says_what_is_wrong_since_when_and_until_when(gate: Gate) -> None:
    fail(gate, ProviderMisconfigured("no \ud800 key " + "x" * 1000))
    state = other_worker().state
    assert (state.kind, state.is_in_trouble, state.is_open, state.failures) == ("circuit", True, True, 1)
    assert state.since is not None and state.since.tzinfo is not None
    assert str(state).startswith("cut off by an open circuit since 20") and "no ? key" in str(state) and "next try in" in str(state)
    (trouble,) = read_troubles(redis())
    assert trouble == state or trouble.reason == state.reason
    gate.open()
    assert (read_troubles(redis()), str(gate.state)) == ([], "serving")


def test_a_probe_asks_only_a_provider_in_trouble_whose_pause_is_over() -> None:
    provider = FakeProvider()
    assert probe(provider) is None
    fail(Gate(provider), ProviderMisconfigured("no key"))
    with pytest.raises(ProviderPaused):
        probe(provider)
    assert provider.calls == 0
    elapse(Gate(provider))
    assert probe(provider) is not None
    assert (provider.texts, Gate(provider).state.kind) == (["probe"], None)


def test_a_provider_that_refuses_even_the_probe_is_misconfigured() -> None:
    provider = FakeProvider()
    provider.refuse("")
    fail(Gate(provider), limited())
    elapse(Gate(provider))
    with pytest.raises(ProviderMisconfigured, match="refuses every text"):
        probe(provider)
    assert Gate(provider).state.is_open


def test_without_redis_everybody_is_let_through() -> None:
    queues = copy.deepcopy(django_settings.RQ_QUEUES)
    queues["embeddings"]["URL"] = "redis://127.0.0.1:9/0"
    with override_settings(RQ_QUEUES=queues):
        gate = other_worker()
        assert is_turned_away(gate) is None
        assert fail(gate, limited()) == 1
        assert fail(gate, limited(9)) == 9
        assert fail(gate, ProviderMisconfigured("no key")) == 60
        assert gate.state.kind == "unknown"
        gate.open()
        assert probe(FakeProvider()) is None
    with override_settings(RQ_QUEUES={"other": queues["embeddings"]}):
        assert is_turned_away(gate) is None


def test_rubbish_in_its_keys_holds_nobody_up(gate: Gate) -> None:
    closed, trouble, probe_key = keys_of(gate.id)
    for number in ("1" + "0" * 18, "9" * 5000, "-1", "\u0663"):
        redis().hset(trouble, mapping={"kind": "circuit", "failures": number, "since": number})
        assert "an open circuit" in str(gate.state)
    redis().hset(trouble, mapping={"kind": "rubbish", "failures": "many", "pause": "long", "since": "ever"})
    assert gate.state.kind is None
    with gate.passage(seconds=5) as is_probe:
        assert is_probe
    for key in (closed, trouble, probe_key):
        redis().rpush(key, "rubbish")
    assert is_turned_away(gate) is None
    assert fail(gate, limited()) > 0
    gate.open()
    assert redis().keys("*gate*") == []


def test_it_works_with_queues_in_memory() -> None:
    pytest.importorskip("lupa")
    with memory_queues():
        gate = other_worker()
        assert fail(gate, limited(7)) == 7
        assert is_turned_away(gate) and gate.state.since is not None
        elapse(gate)
        assert probe(FakeProvider()) is not None
        assert gate.state.kind is None
