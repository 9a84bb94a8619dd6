"""What a job may carry: JSON of at most QUEUES_MAX_PAYLOAD_BYTES, said to who adds it before anything reaches Redis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django_rq import get_queue as get_rq_queue

from queues import InvalidPayload, State, add_job, add_jobs, get_job, get_queue_stats, schedule
from queues.decorators import RegisteredJob, job
from queues.jobs.registry import registry
from queues.testing import run_jobs
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE, bridge, greet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def anything() -> Any:
    """A job that takes whatever JSON there is."""

    @job(name="anything", queue=QUEUE, attempts=1)
    def anything(*, value: Any = None, ratio: float | None = None) -> Any:
        return "x" * value if isinstance(value, int) else None

    yield anything
    registry.unregister("anything")


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
NO_JSON = {
    "half a surrogate pair": {"value": "\ud800"},
    "more than 64 bits": {"value": 2**70},
    "thousands of digits": {"value": 10**5000},
    "nested": {"value": nested(300)},
    "deeply nested": {"value": nested(100_000)},
    "a cycle": {"value": CYCLE},
    "an object": {"value": object()},
    "NaN": {"ratio": float("nan")},
    "NaN within": {"value": [{"a": float("nan")}]},
    "Infinity": {"ratio": float("inf")},
}


@pytest.mark.parametrize("case", NO_JSON)
def test_what_json_cannot_hold_is_refused_where_it_is_added(anything: RegisteredJob[...], connection: redis.Redis, case: str) -> None:
    """Not when the transaction has committed: nobody would hear of it, and the others of the transaction would be lost too."""
    with transaction.atomic():
        greet.enqueue(name="Ann")
        with pytest.raises(InvalidPayload, match="'anything'"):
            add_job(QUEUE, "anything", NO_JSON[case])
    with pytest.raises(InvalidPayload, match="'anything'"):
        get_rq_queue(QUEUE).enqueue(anything, **NO_JSON[case])
    assert get_queue_stats(QUEUE).waiting == 1
    assert len(connection.keys("rq:job:*")) == 1


@pytest.mark.parametrize("value", ["a\x00b", None, [None, {"a": None}], -(2**63), 2**64 - 1, nested(200), "\N{PARTY POPPER}", 1e308])
def test_whatever_is_json_arrives_as_it_was(anything: RegisteredJob[...], value: Any) -> None:
    assert get_job(add_job(QUEUE, "anything", {"value": value}).id).data["value"] == value


def large(size: int) -> dict[str, Any]:
    return {"name": "x" * size}


ADDERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "add_job": lambda payload: add_job(QUEUE, "greet", payload),
    "add_jobs": lambda payload: add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("greet", payload)]),
    "enqueue": lambda payload: greet.enqueue(**payload),
    "plain django-rq": lambda payload: get_rq_queue(QUEUE).enqueue(greet, **payload),
    "plain django-rq of another function": lambda payload: get_rq_queue(QUEUE).enqueue(bridge, payload["name"]),
    "a schedule": lambda payload: schedule(every=60, name="large", data=payload)(greet),
}


@pytest.mark.parametrize("adder", ADDERS)
def test_a_payload_that_is_too_large_is_refused_before_redis_hears_of_it(connection: redis.Redis, adder: str) -> None:
    for attempt in (ADDERS[adder], transaction.atomic(ADDERS[adder])):
        with pytest.raises(InvalidPayload, match=r"'[\w.-]+'.* are more than QUEUES_MAX_PAYLOAD_BYTES allows \(1,048,576\)"):
            attempt(large(1_048_576))
    assert not connection.keys("rq:job:*")


def test_the_limit_is_a_setting(settings) -> None:
    settings.QUEUES_MAX_PAYLOAD_BYTES = 2048
    add_job(QUEUE, "greet", large(1900))
    with pytest.raises(InvalidPayload, match="2,048"):
        add_job(QUEUE, "greet", large(2048))


def test_a_task_that_is_too_large_is_refused(connection: redis.Redis) -> None:
    from tests.testapp.tasks import add

    with pytest.raises(InvalidPayload, match="1,048,576"):
        add.enqueue(list(range(300_000)), 1)
    with pytest.raises(ValueError, match="nested too deeply"):
        add.enqueue(nested(100_000), 1)
    assert not connection.keys("rq:job:*")


def test_the_form_that_adds_a_job_says_so(client: Client, connection: redis.Redis, settings) -> None:
    settings.QUEUES_MAX_PAYLOAD_BYTES = 2048
    client.force_login(User.objects.create_superuser("operator"))
    page = client.post(f"/admin/queues/job/add/?queue={QUEUE}&name=greet", {"payload-name": "x" * 3000})
    assert "are more than QUEUES_MAX_PAYLOAD_BYTES allows (2,048)" in page.content.decode()
    assert not connection.keys("rq:job:*")


def test_large_jobs_leave_in_calls_of_16_megabytes(connection: redis.Redis) -> None:
    greet.enqueue(name="the script is known from here on")
    with round_trips() as trips:
        add_jobs(QUEUE, [("greet", large(1_000_000)) for _ in range(20)])
    assert (len(trips), get_queue_stats(QUEUE).waiting) == (2, 21)


def test_a_result_that_is_too_large_fails_the_job_in_words(anything: RegisteredJob[...]) -> None:
    fits, does_not = add_job(QUEUE, "anything", {"value": 1_000_000}), add_job(QUEUE, "anything", {"value": 1_048_576})
    run_jobs(QUEUE)
    assert get_job(fits.id).state is State.COMPLETED
    assert "1,048,578 bytes of JSON, is larger than QUEUES_MAX_PAYLOAD_BYTES allows (1,048,576)" in get_job(does_not.id).error
    assert not get_job(does_not.id).attempts_history()[0].result


@pytest.mark.parametrize("key", ["x" * 501, "\ud800"])
def test_a_dedupe_key_is_short_and_text(key: str) -> None:
    with transaction.atomic(), pytest.raises(ValueError, match="a dedupe key may have 500 characters"):
        add_job(QUEUE, "greet", {"name": "Ann"}, dedupe=key)
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="a:b \x00\n*" * 50)
    assert run_jobs(QUEUE) == 1
