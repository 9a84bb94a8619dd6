import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.test import TestCase
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from queues import InvalidPayload, NonRetryable, QueueStats, RetryLater, add_job, add_jobs, get_failed_jobs, get_queue, get_queue_stats
from queues import job as register_job
from queues.exceptions import EndlessJobs
from queues.jobs.registry import registry
from queues.testing import eager_jobs, enqueued_jobs
from tests.testapp.jobs import QUEUE, fail, give_up, greet, greet_all, later_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    with eager_jobs():
        yield


@pytest.fixture
def traces() -> Callable[[], list[str]]:
    return lambda: [line.decode().split(" ", 1)[1] for line in get_queue(QUEUE).connection.lrange("tests:trace", 0, -1)]


@pytest.fixture
def new_job() -> Iterator[Callable[..., None]]:
    """Registers a function as the job "new" of this test alone."""
    yield lambda function: register_job(name="new", queue=QUEUE)(function)
    registry.unregister("new")


Traces = Callable[[], list[str]]
NewJob = Callable[[Callable[..., object]], None]


def test_an_enqueued_job_has_run_in_this_thread(new_job: NewJob, connection: Redis) -> None:
    ran: list[tuple[str, int]] = []

    def note(*, name: str) -> None:
        ran.append((name, threading.get_ident()))

    new_job(note)
    add_job(QUEUE, "new", {"name": "Ann"})
    assert ran == [("Ann", threading.get_ident())]
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)
    assert list(connection.scan_iter()) == []


def test_a_job_of_a_transaction_runs_on_its_commit_only(traces: Traces) -> None:
    with transaction.atomic():
        greet.enqueue(name="Ann")
        assert (traces(), [job.state for job in enqueued_jobs()]) == ([], ["provisional"])
    with pytest.raises(RuntimeError), transaction.atomic():
        greet.enqueue(name="Bob")
        raise RuntimeError
    assert traces() == ["start Ann", "end Ann"]


def test_an_error_of_the_job_is_the_callers_and_no_retry_follows() -> None:
    with pytest.raises(ValueError, match="no luck with Ann"):
        fail.enqueue(name="Ann")
    greet.enqueue(name="Bob")
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=1)


@pytest.mark.parametrize("job", [fail, give_up])
def test_an_error_comes_out_of_the_commit_too(job: type) -> None:
    with pytest.raises((ValueError, NonRetryable)), transaction.atomic():
        job.enqueue(name="Ann")
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)


def test_the_others_of_a_call_run_before_the_error_is_raised() -> None:
    with pytest.raises(ValueError, match="no luck with Ann"):
        add_jobs(QUEUE, [("fail", {"name": "Ann"}), ("greet", {"name": "Bob"})])
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=1)


def test_an_error_of_the_jobs_own_redis_stays_what_it_is(new_job: NewJob) -> None:
    def ask(*, name: str) -> None:
        raise RedisConnectionError("its cache is away")

    new_job(ask)
    with pytest.raises(RedisConnectionError):
        add_job(QUEUE, "new", {"name": "Ann"})


def test_errors_stay_in_the_queue_where_that_is_wanted() -> None:
    with eager_jobs(propagate=False):
        fail.enqueue(name="Ann")
        assert [(job.attempts_made, job.error) for job in get_failed_jobs(QUEUE)] == [(3, "ValueError: no luck with Ann")]


def test_delays_are_not_waited_for_and_a_pause_runs_again(traces: Traces) -> None:
    greet.using(delay=3600).enqueue(name="Ann")
    later_once.enqueue(name="Bob")
    assert traces() == ["start Ann", "end Ann", "start Bob", "start Bob"]


def test_a_job_that_always_asks_for_a_pause_is_told(new_job: NewJob) -> None:
    def wait(*, name: str) -> None:
        raise RetryLater(60)

    new_job(wait)
    with pytest.raises(EndlessJobs), transaction.atomic():
        add_job(QUEUE, "new", {"name": "Ann"})


def test_the_payload_takes_the_way_of_json(new_job: NewJob) -> None:
    seen: list[object] = []

    def note(*, pair: tuple[int, int], extra: dict[str, object]) -> None:
        seen.append((pair, extra))

    new_job(note)
    add_job(QUEUE, "new", {"pair": [1, 2], "extra": {"inner": (3, 4)}})
    assert seen == [((1, 2), {"inner": [3, 4]})]


def test_what_the_real_queue_refuses_is_refused(traces: Traces) -> None:
    with pytest.raises(InvalidPayload):
        add_job(QUEUE, "greet", {"nam": "Ann"})
    with pytest.raises(ValueError, match="priority"):
        add_job(QUEUE, "greet", {"name": "Ann"}, priority=2**30)
    assert traces() == []


def test_a_batch_handler_gets_its_batch(traces: Traces) -> None:
    add_jobs(QUEUE, [("greet-all", {"name": name}) for name in ("Ann", "Bob")])
    with transaction.atomic():
        greet_all.enqueue(name="Cleo")
        greet_all.enqueue(name="Dan")
    assert traces() == ["batch 2 Ann,Bob", "batch 2 Cleo,Dan"]


def test_a_failing_item_of_a_batch_is_raised_and_the_others_are_completed() -> None:
    with pytest.raises(ValueError, match="Bob failed"):
        add_jobs(QUEUE, [("greet-all", {"name": name, "fails": name == "Bob"}) for name in ("Ann", "Bob")])
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=1)


def test_what_a_job_enqueues_runs_after_it_and_not_inside(new_job: NewJob, traces: Traces) -> None:
    def start(*, depth: int) -> None:
        greet.enqueue(name=f"d{depth}")
        if depth < 120:
            add_job(QUEUE, "new", {"depth": depth + 1})
        assert get_queue_stats(QUEUE).active == 1

    new_job(start)
    add_job(QUEUE, "new", {"depth": 1})
    assert (len(traces()), get_queue_stats(QUEUE).failed) == (240, 0), "more than Python could nest"


def test_the_normal_way_is_back_afterwards(connection: Redis) -> None:
    from queues.store import new_jobs

    inside = new_jobs.send
    with eager_jobs():
        assert new_jobs.send is not inside
    assert new_jobs.send is inside


class InATestCaseTest(TestCase):
    def test_jobs_run_on_the_captured_commit_and_so_do_theirs(self) -> None:
        def start(*, name: str) -> None:
            with transaction.atomic():
                greet.enqueue(name=name)

        register_job(name="new", queue=QUEUE)(start)
        self.addCleanup(registry.unregister, "new")
        with self.captureOnCommitCallbacks(execute=True):
            add_job(QUEUE, "new", {"name": "Ann"})
        self.assertEqual(get_queue_stats(QUEUE), QueueStats(completed=2))

    def test_an_error_comes_out_of_the_captured_commit(self) -> None:
        with self.assertRaisesMessage(ValueError, "no luck"), self.captureOnCommitCallbacks(execute=True):
            fail.enqueue(name="Ann")
