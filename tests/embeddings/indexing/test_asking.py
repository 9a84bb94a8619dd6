"""Who is to blame: the provider, which then pauses for all, or one text, which then fails alone."""

import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from embeddings.exceptions import (
    ContentTooLong,
    InvalidInput,
    ProviderError,
    ProviderFault,
    ProviderMisconfigured,
    ProviderPaused,
    ProviderUnavailable,
    RateLimited,
)
from embeddings.indexing.asking import Answers, cut, embed
from embeddings.providers.fake import FakeProvider
from embeddings.providers.gate import Gate, keys_of
from queues import get_queue


@pytest.fixture
def fake() -> FakeProvider:
    return FakeProvider()


def ask(fake: FakeProvider, texts: list[str], *, seconds: float = 60) -> Answers:
    answers = embed(texts, fake, deadline=time.monotonic() + seconds)
    if answers.trouble:
        raise answers.trouble
    return answers


def wrong(answers: Answers) -> dict[int, str]:
    assert all((vector is None) != (error is None) for vector, error in zip(answers.vectors, answers.errors, strict=True))
    return {index: type(error).__name__ for index, error in enumerate(answers.errors) if error}


@pytest.mark.parametrize(("trouble", "name"), [("refuse", "InvalidInput"), ("break_on", "ProviderUnavailable")])
@pytest.mark.parametrize("bad", [{0}, {7}, {3, 4}, {0, 5, 15}])
def test_the_texts_to_blame_fail_alone(fake: FakeProvider, trouble: str, name: str, bad: set[int]) -> None:
    getattr(fake, trouble)("poison")
    answers = ask(fake, [f"poison {index}" if index in bad else f"text {index}" for index in range(16)])
    assert wrong(answers) == dict.fromkeys(bad, name)
    assert Gate(fake).state.kind is None, "a provider that serves the others is not in trouble"


def test_a_text_that_spoils_every_answer_is_to_blame_itself(fake: FakeProvider) -> None:
    def spoil(texts: list[str]) -> None:
        fake.garbage = "nan" if "cursed" in texts else None

    fake.during_call = spoil  # type: ignore[assignment]
    assert wrong(ask(fake, ["one", "two", "cursed", "four"])) == {2: "ProviderFault"}


def test_bisecting_takes_few_requests(fake: FakeProvider) -> None:
    fake.refuse("poison")
    ask(fake, ["poison", *["text"] * 1023])
    assert fake.calls <= 1 + 2 * math.log2(1024) + 1


def test_a_text_that_the_error_names_is_set_apart_at_once(fake: FakeProvider) -> None:
    answers = ask(fake, ["text"] * 500 + ["\ud800"] + ["text"] * 500)
    assert wrong(answers) == {500: "InvalidInput"}
    assert [len(request) for request in fake.requests] == [500, 500]


@pytest.mark.parametrize(
    ("trouble", "expected"), [("limit_rate", RateLimited), ("go_down", ProviderUnavailable), ("misconfigure", ProviderMisconfigured)]
)
def test_the_providers_trouble_is_no_texts_and_holds_for_all(fake: FakeProvider, trouble: str, expected: type[ProviderError]) -> None:
    getattr(fake, trouble)()
    for texts in (["one"], ["one", "two", "three"]):
        get_queue("embeddings").connection.flushdb()
        with pytest.raises(expected) as caught:
            ask(fake, texts)
        assert caught.value.retry_after
        calls = fake.calls
        with pytest.raises(ProviderPaused):
            ask(FakeProvider(), ["another worker's"])
        with pytest.raises(ProviderPaused):
            ask(fake, ["this worker's next"])
        assert fake.calls == calls
    assert calls <= 4, "an outage is not bisected"


@pytest.mark.parametrize("garbage", ["count", "dimension", "nan", "zero"])
def test_garbage_for_all_is_the_providers_trouble(fake: FakeProvider, garbage: str) -> None:
    fake.garbage = garbage  # type: ignore[assignment]
    answers = embed(["one", "two"], fake, deadline=time.monotonic() + 60)
    assert isinstance(answers.trouble, ProviderFault)
    assert (answers.vectors, answers.errors) == ([None, None], [None, None])
    assert Gate(fake).state.kind == "outage"


def test_a_provider_that_refuses_every_text_charges_none(fake: FakeProvider) -> None:
    fake.refuse("")
    with pytest.raises(ProviderMisconfigured, match="refuses every text"):
        ask(fake, ["one", "two", "three"])
    assert Gate(fake).state.is_open
    get_queue("embeddings").connection.delete(keys_of(Gate(fake).id)[0])
    with pytest.raises(ProviderMisconfigured):
        ask(fake, ["one", "two", "three"])
    assert Gate(fake).state.failures == 2, "a refusal is no proof that it serves"


def test_what_was_answered_before_the_trouble_is_kept(fake: FakeProvider) -> None:
    fake.max_inputs = 2
    fake.during_call = lambda texts: fake.go_down() if "five" in texts else None
    fake.break_on("five")
    answers = embed(["one", "two", "three", "four", "five", "six"], fake, deadline=time.monotonic() + 60)
    assert isinstance(answers.trouble, ProviderUnavailable)
    assert [vector is not None for vector in answers.vectors] == [True] * 4 + [False] * 2
    assert [list(request.texts) for request in answers.requests if request.texts] == [[0, 1], [2, 3]]


def refuse_longer_than(fake: FakeProvider, size: int, error: type[InvalidInput] = ContentTooLong) -> None:
    def check(texts: list[str]) -> None:
        if any(len(text.encode()) > size for text in texts):
            raise error("This model's maximum context length is smaller.")

    fake.during_call = check  # type: ignore[assignment]


def test_a_text_that_is_too_long_is_cut_and_retried_once(fake: FakeProvider) -> None:
    fake.max_input_tokens = 100
    refuse_longer_than(fake, 150)
    assert wrong(ask(fake, ["short", "word " * 50, "brief"])) == {}
    assert len(fake.texts[-2]) <= 100 and fake.texts[-1] == "brief"


def test_a_text_that_is_refused_after_the_cut_fails(fake: FakeProvider) -> None:
    fake.max_input_tokens = 100
    refuse_longer_than(fake, 40)
    answers = ask(fake, ["short", "word " * 50])
    assert wrong(answers) == {1: "ContentTooLong"}
    assert sum("word" in text for text in fake.texts) == 3, "in the batch, alone, and cut: once"


def test_a_text_that_fits_by_bytes_is_cut_only_where_it_is_said_to_be_too_long(fake: FakeProvider) -> None:
    refuse_longer_than(fake, 30)
    assert wrong(ask(fake, ["x" * 50])) == {}
    refuse_longer_than(fake, 30, InvalidInput)
    fake.requests.clear()
    assert wrong(ask(fake, ["x" * 50, "fine"])) == {0: "InvalidInput"}
    assert sum("x" in text for text in fake.texts) == 2


@pytest.mark.parametrize(
    ("text", "error", "expected"),
    [
        ("ä" * 60, InvalidInput("no"), "ä" * 50),
        ("ä" * 60 + "b", ContentTooLong("no"), "ä" * 50),
        ("ä" * 5, ContentTooLong("no"), "ä" * 2),
        ("short", InvalidInput("no"), None),
        ("x", ContentTooLong("no"), None),
        ("x" * 500, ProviderUnavailable("no"), None),
        (" " * 200 + "x", ContentTooLong("no"), None),
    ],
)
def test_a_cut_is_the_beginning_that_certainly_fits_and_whole_characters(
    fake: FakeProvider, text: str, error: ProviderError, expected: str | None
) -> None:
    fake.max_input_tokens = 101
    assert cut(text, error, fake) == expected


def test_no_request_is_begun_that_would_have_too_little_time(fake: FakeProvider) -> None:
    with pytest.raises(ProviderUnavailable, match="too slow for the whole batch") as caught:
        ask(fake, ["text"], seconds=5)
    assert (caught.value.retry_after, fake.calls, Gate(fake).state.kind) == (1, 0, None)


def test_a_server_too_slow_for_a_batch_is_given_halves(fake: FakeProvider) -> None:
    def take_time(texts: list[str]) -> None:
        if len(texts) > 2:
            raise ProviderUnavailable("No answer in time.")

    fake.during_call = take_time  # type: ignore[assignment]
    assert wrong(ask(fake, [f"text {number}" for number in range(8)])) == {}


def test_an_unanswered_batch_is_tried_again_before_anybody_is_blamed(fake: FakeProvider) -> None:
    fake.max_attempts, fake.backoff_seconds = 4, 0.01
    fake.go_down(times=3)
    assert wrong(ask(fake, ["one", "two"])) == {}
    assert fake.requests == [["one", "two"]] * 4


def test_a_probe_is_made_once(fake: FakeProvider) -> None:
    fake.max_attempts, fake.backoff_seconds = 4, 0.01
    fake.go_down()
    with pytest.raises(ProviderUnavailable):
        ask(fake, ["one"])
    get_queue("embeddings").connection.delete(keys_of(Gate(fake).id)[0])
    fake.requests.clear()
    with pytest.raises(ProviderUnavailable):
        ask(fake, ["one"])
    assert fake.requests == [["one"], ["probe"]]


def test_five_threads_of_one_job_share_a_provider(fake: FakeProvider) -> None:
    fake.max_inputs = 8
    fake.refuse("poison")
    groups = [[f"poison {group}" if index == group else f"text {group} {index}" for index in range(40)] for group in range(5)]
    with ThreadPoolExecutor(5) as threads:
        found = list(threads.map(lambda texts: ask(fake, texts), groups))
    assert [wrong(answers) for answers in found] == [{group: "InvalidInput"} for group in range(5)]


def test_every_answered_request_is_told_with_its_cost(fake: FakeProvider) -> None:
    fake.refuse("poison")
    answers = ask(fake, ["one", "two", "poison", "four"])
    told = [replace(request, estimates=()) for request in answers.requests]
    assert [(list(request.texts), request.tokens) for request in told] == [([0, 1], 2), ([3], 2)]
