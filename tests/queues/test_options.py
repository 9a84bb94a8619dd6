"""What one enqueue may ask for: attempts, back-off, an id of its own, how long ended jobs are kept."""

import enum
import inspect
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from queues import (
    Exponential,
    Fixed,
    JobIdTaken,
    JobNotFound,
    Keep,
    QueueStats,
    RetryLater,
    State,
    add_job,
    add_jobs,
    get_failed_jobs,
    get_job,
    get_jobs,
    get_queue,
    get_queue_stats,
    job,
    signals,
)
from queues.jobs.options import AddOptions
from queues.jobs.registry import registry
from queues.testing import run_jobs
from tests.processes import wait_until
from tests.testapp.jobs import QUEUE, greet, picky

Traces = Callable[[], list[str]]


def run_all() -> None:
    """Runs what waits, and what is due within a second."""
    wait_until(lambda: not run_jobs(QUEUE) and not get_queue_stats(QUEUE).delayed)


def test_attempts_and_backoff_of_one_job_go_before_its_definition(traces: Traces) -> None:
    add_job(QUEUE, "fail", {"name": "twice"}, attempts=2, backoff=0.05)
    add_job(QUEUE, "fail", {"name": "once"}, attempts=1)
    run_all()
    assert sorted(traces()) == ["start once", "start twice", "start twice"]
    assert sorted(job.attempts_made for job in get_failed_jobs(QUEUE)) == [1, 2]


@pytest.mark.parametrize(
    "options",
    [
        {"attempts": 0},
        {"attempts": 2.5},
        {"attempts": True},
        {"priority": 1.5},
        {"priority": True},
        {"job_id": 42},
        {"dedupe": 42},
        {"dedupe": {"id": "ann"}},
        {"dedupe": lambda data: 42},
        {"keep_completed": True},
        {"backoff": {"type": "exponential", "delay": 1000}},
    ],
    ids=lambda options: str(options).partition(" at 0x")[0],
)
def test_what_is_no_option_is_refused_before_redis(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        add_job(QUEUE, "greet", {"name": "Ann"}, **options)
    assert get_queue_stats(QUEUE) == QueueStats()


def test_a_priority_may_be_a_member_of_an_enumeration() -> None:
    Urgency = enum.IntEnum("Urgency", {"HIGH": -1, "LOW": 5})
    low, high = (greet.using(priority=Urgency[name]).enqueue(name=name) for name in ("LOW", "HIGH"))
    assert [(job.id, job.priority) for job in get_jobs(QUEUE, "waiting")] == [(high.id, -1), (low.id, 5)]


@pytest.mark.parametrize(
    ("backoff", "seconds"),
    [(5, 5), (Fixed(delay_seconds=3), 3), (Exponential(delay_seconds=7), 7), ({"type": "exponential", "delay_seconds": 4}, 4)],
)
def test_a_backoff_may_be_seconds_fixed_or_exponential(connection: Redis, backoff: object, seconds: float) -> None:
    job = add_job(QUEUE, "fail", {"name": "Ann"}, backoff=backoff)  # type: ignore[arg-type]
    run_jobs(QUEUE)
    due = connection.zscore(f"rq:scheduled:{QUEUE}", job.id)
    assert due is not None and seconds - 1 < due - time.time() <= seconds


def test_a_queue_has_attempts_and_a_backoff_for_jobs_that_say_nothing(settings, traces: Traces) -> None:
    entry = settings.RQ_QUEUES[QUEUE]
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, QUEUE: {**entry, "ATTEMPTS": 2, "BACKOFF": {"type": "fixed", "delay_seconds": 0.05}}}
    add_job(QUEUE, "fail", {"name": "Ann"})
    run_all()
    assert traces() == ["start Ann", "start Ann"]


def test_errors_outside_of_retry_on_and_those_of_give_up_on_fail_at_once(traces: Traces) -> None:
    for error in ("reset", "refused", "value"):
        picky.enqueue(error=error)
    run_all()
    assert sorted(traces()) == ["start refused", "start reset", "start reset", "start reset", "start value"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"backoff": "soon"},
        {"backoff": lambda n: 1},
        {"backoff": {"type": "linear"}},
        {"job_id": "a:b"},
        {"job_id": ""},
        {"priority": 1.5},
        {"keep_failed": -1},
        {"keep_completed": "all"},
        {"delay": timedelta(days=400)},
    ],
)
def test_an_option_out_of_range_is_refused_before_anything_is_stored(connection: Redis, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        add_job(QUEUE, "greet", {"name": "Ann"}, **wrong)  # type: ignore[arg-type]
    assert connection.keys("rq:*") == []


@pytest.mark.parametrize("delay", [datetime(2027, 1, 1, tzinfo=UTC), "5m"])
def test_a_delay_that_is_no_span_is_refused_in_words(delay: Any) -> None:
    with pytest.raises(ValueError, match="a span is a number of seconds or a timedelta, not"):
        add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay)


def test_a_delay_may_be_a_timedelta() -> None:
    assert add_job(QUEUE, "greet", {"name": "Ann"}, delay=timedelta(minutes=5)).state is State.DELAYED


def test_an_unfinished_job_of_the_id_is_returned_and_a_finished_one_replaced(connection: Redis) -> None:
    first = add_job(QUEUE, "greet", {"name": "Ann"}, job_id="the-one")
    again = add_job(QUEUE, "greet", {"name": "Bob"}, job_id="the-one")
    assert (first.id, again.id, get_job("the-one").data["name"]) == ("the-one", "the-one", "Ann")
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
    run_jobs(QUEUE)
    assert add_job(QUEUE, "greet", {"name": "Cleo"}, job_id="the-one").state is State.WAITING
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
    assert get_job("the-one").data["name"] == "Cleo"
    assert connection.exists("rq:results:the-one") == 0


def test_an_id_of_an_unfinished_job_in_another_queue_is_refused(connection: Redis) -> None:
    add_job(QUEUE, "greet", {"name": "Ann"}, job_id="the-one")
    with pytest.raises(JobIdTaken, match="the-one"):
        add_job("embeddings", "sweep-embeddings", {}, job_id="the-one")
    assert get_queue_stats("embeddings").waiting == 0


@pytest.mark.django_db(transaction=True)
def test_a_taken_id_in_a_transaction_fails_alone() -> None:
    from django.db import transaction

    add_job(QUEUE, "greet", {"name": "Ann"}, job_id="the-one")
    failed: list[str] = []

    def note(jobs, **kwargs: object) -> None:
        failed.extend(job.id for job in jobs)

    signals.publish_failed.connect(note)
    try:
        with transaction.atomic():
            greet.enqueue(name="before")
            add_job("embeddings", "sweep-embeddings", {}, job_id="the-one")
            greet.enqueue(name="after")
    finally:
        signals.publish_failed.disconnect(note)
    assert failed == ["the-one"]
    assert [job.data["name"] for job in get_jobs(QUEUE, "waiting")] == ["Ann", "before", "after"]


def test_one_id_is_for_one_job() -> None:
    with pytest.raises(ValueError, match="one job"):
        add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("greet", {"name": "Bob"})], job_id="x")


def test_a_job_that_does_not_exist_is_said_so() -> None:
    with pytest.raises(JobNotFound, match="no job 'nothing'"):
        get_job("nothing")


def test_a_job_may_be_kept_not_at_all_or_by_its_own_count(connection: Redis) -> None:
    for number in range(5):
        add_job(QUEUE, "greet", {"name": str(number)})
    run_jobs(QUEUE)
    gone = add_job(QUEUE, "greet", {"name": "gone"}, keep_completed=0)
    run_jobs(QUEUE)
    assert get_queue_stats(QUEUE) == QueueStats(completed=5), "one that is not kept trims none of the others"
    assert connection.keys(f"rq:*{gone.id}*") == []
    add_job(QUEUE, "greet", {"name": "last"}, keep_completed=3)
    run_jobs(QUEUE)
    assert [job.data["name"] for job in get_jobs(QUEUE, "completed")] == ["last", "4", "3"]


def test_ended_jobs_are_kept_by_age_where_asked(connection: Redis) -> None:
    for number in range(3):
        add_job(QUEUE, "give-up", {"name": str(number)})
    run_jobs(QUEUE)
    failed = f"rq:failed:{QUEUE}"
    for job_id in connection.zrange(failed, 0, 1):
        connection.zincrby(failed, -7200, job_id)
    add_job(QUEUE, "give-up", {"name": "new"}, keep_failed=Keep(age=timedelta(hours=1)))
    run_jobs(QUEUE)
    assert len(get_failed_jobs(QUEUE)) == 2
    assert len(connection.keys("rq:job:*")) == 2


def test_a_queue_keeps_by_count_and_age(settings) -> None:
    entry = settings.RQ_QUEUES[QUEUE]
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, QUEUE: {**entry, "KEEP_COMPLETED": {"count": 2, "age": 3600}}}
    assert get_queue(QUEUE).keep_completed == Keep(count=2, age=3600)
    for number in range(4):
        add_job(QUEUE, "greet", {"name": str(number)})
    run_jobs(QUEUE)
    assert get_queue_stats(QUEUE).completed == 2


def test_ranges_have_inclusive_ends() -> None:
    add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(5)])
    assert [job.data["name"] for job in get_jobs(QUEUE, "waiting", 1, 2)] == ["1", "2"]
    assert [job.data["name"] for job in get_jobs(QUEUE, "waiting", 3)] == ["3", "4"]


def test_spans_may_be_timedeltas_everywhere() -> None:
    half_a_minute = timedelta(seconds=30)
    found = job(name="spans", queue=QUEUE, timeout=half_a_minute, backoff=half_a_minute)(spans)
    registry.unregister("spans")
    assert (found.definition.timeout_seconds, found.definition.backoff) == (30, Fixed(delay_seconds=30))
    assert RetryLater(half_a_minute).seconds == 30
    assert add_job(QUEUE, "greet", {"name": "Ann"}, delay=half_a_minute, backoff=half_a_minute).state is State.DELAYED


def spans() -> None:
    """A job."""


@pytest.mark.parametrize("attempts", [0, 1.5, "3", True])
def test_attempts_are_a_whole_number(attempts: Any) -> None:
    with pytest.raises(ValueError, match="attempts must be a whole number"):
        add_job(QUEUE, "greet", {"name": "Ann"}, attempts=attempts)


def test_help_shows_every_option() -> None:
    assert list(inspect.signature(add_job).parameters)[3:] == list(AddOptions.__annotations__)


def test_a_misspelt_option_is_named() -> None:
    with pytest.raises(TypeError, match="unknown options dleay: there are delay, priority"):
        add_jobs(QUEUE, [("greet", {"name": "Ann"})], dleay=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="dleay"):
        greet.using(dleay=3).enqueue(name="Ann")  # type: ignore[call-arg]
