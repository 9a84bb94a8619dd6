from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.test import TestCase

from queues import QueueStats, RetryLater, UnknownQueue, add_job, get_failed_jobs, get_queue, get_queue_stats, pause_queue
from queues import job as register_job
from queues.exceptions import EndlessJobs
from queues.jobs.registry import registry
from queues.testing import enqueued_jobs, run_jobs
from tests.testapp.jobs import QUEUE, fail, greet, pause_long

Traces = Callable[[], list[str]]


@pytest.fixture
def new_job() -> Iterator[Callable[..., None]]:
    """Registers a function as the job "new" of this test alone."""

    def register(function: Callable[..., object], **options: int) -> None:
        register_job(name="new", queue=QUEUE, **options)(function)  # type: ignore[arg-type]

    yield register
    registry.unregister("new")


def test_only_what_is_due_runs() -> None:
    greet.enqueue(name="now")
    greet.using(delay=60).enqueue(name="later")
    fail.enqueue(name="Ann")
    assert run_jobs() == 2
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, delayed=2)


def test_delayed_jobs_and_retries_run_on_request_the_earliest_first(traces: Traces) -> None:
    greet.using(delay=60).enqueue(name="second")
    greet.using(delay=30).enqueue(name="first")
    fail.enqueue(name="Ann")
    assert run_jobs(delayed=True) == 5
    assert [trace for trace in traces() if "start" in trace] == ["start Ann", "start Ann", "start first", "start second", "start Ann"]
    assert get_queue_stats(QUEUE) == QueueStats(completed=2, failed=1)


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_job_that_puts_itself_back_for_ever_is_told_and_not_waited_for(new_job: Callable[..., None], seconds: int) -> None:
    def wait(*, name: str) -> None:
        raise RetryLater(seconds, "the other side is busy")

    new_job(wait)
    job = add_job(QUEUE, "new", {"name": "Ann"})
    with pytest.raises(EndlessJobs, match=f"'new' \\({job.id}\\) .* was put back 100 times: the other side is busy"):
        run_jobs(delayed=True)
    assert get_queue_stats(QUEUE).active == 0


def test_jobs_that_add_jobs_for_ever_end_at_the_limit(new_job: Callable[..., None]) -> None:
    def again(*, number: int) -> None:
        add_job(QUEUE, "new", {"number": number + 1})

    new_job(again)
    add_job(QUEUE, "new", {"number": 1})
    with pytest.raises(EndlessJobs, match="More than 50 runs, the last one of 'new'"):
        run_jobs(limit=50)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, completed=51)


@pytest.mark.django_db(transaction=True)
def test_jobs_that_jobs_add_run_too(new_job: Callable[..., None], traces: Traces) -> None:
    def start(*, name: str) -> None:
        greet.enqueue(name=name)
        with transaction.atomic():
            greet.using(priority=-1).enqueue(name=f"{name} urgently")

    new_job(start)
    add_job(QUEUE, "new", {"name": "Ann"})
    assert run_jobs("embeddings", QUEUE) == 3
    assert [trace for trace in traces() if "start" in trace] == ["start Ann urgently", "start Ann"]


def test_a_job_that_pauses_its_queue_is_the_last_one(new_job: Callable[..., None]) -> None:
    def stop(*, name: str) -> None:
        pause_queue(QUEUE)

    new_job(stop)
    add_job(QUEUE, "new", {"name": "Ann"})
    greet.enqueue(name="Bob")
    assert run_jobs() == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, waiting=1)


def test_errors_are_raised_on_request_when_all_have_run() -> None:
    fail.enqueue(name="Ann")
    fail.enqueue(name="Bob")
    greet.enqueue(name="Cleo")
    with pytest.raises(ValueError, match="no luck with Ann"):
        run_jobs(propagate=True)
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=2)
    assert {job.attempts_made for job in get_failed_jobs(QUEUE)} == {1}


def test_an_asked_for_pause_is_no_error() -> None:
    pause_long.enqueue(name="Ann")
    assert run_jobs(propagate=True) == 1
    assert get_queue_stats(QUEUE) == QueueStats(delayed=1)


def test_a_test_that_fails_inside_a_job_fails_and_leaves_the_job_waiting(new_job: Callable[..., None]) -> None:
    def check(*, name: str) -> None:
        pytest.fail("not so")

    new_job(check)
    add_job(QUEUE, "new", {"name": "Ann"})
    with pytest.raises(pytest.fail.Exception):
        run_jobs()
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(UnknownQueue):
        run_jobs("nowhere")


class InATestCaseTest(TestCase):
    """A test's open transaction holds jobs back until it is told to commit; what a job adds leaves when the job ends."""

    def test_jobs_leave_on_the_captured_commit(self) -> None:
        greet.enqueue(name="Ann")
        self.assertEqual(run_jobs(), 0)
        with self.captureOnCommitCallbacks(execute=True):
            greet.enqueue(name="Bob")
        self.assertEqual(run_jobs(), 1)
        self.assertEqual([job.data["name"] for job in enqueued_jobs()], ["Ann"])

    def test_what_a_job_adds_leaves_when_it_ends_and_what_it_rolls_back_does_not(self) -> None:
        def start(*, name: str) -> None:
            with transaction.atomic():
                greet.enqueue(name=name)
            try:
                with transaction.atomic():
                    greet.enqueue(name="never")
                    raise RuntimeError
            except RuntimeError:
                pass

        register_job(name="new", queue=QUEUE)(start)
        self.addCleanup(registry.unregister, "new")
        with self.captureOnCommitCallbacks(execute=True):
            add_job(QUEUE, "new", {"name": "Ann"})
        greet.enqueue(name="the test's own")
        self.assertEqual(run_jobs(), 2)
        self.assertEqual([job.data["name"] for job in get_queue(QUEUE).jobs("completed") if job.name == "greet"], ["Ann"])

    def test_the_tests_own_hooks_are_left_to_the_test(self) -> None:
        told: list[str] = []
        register_job(name="new", queue=QUEUE)(_noted(told))
        self.addCleanup(registry.unregister, "new")
        with self.captureOnCommitCallbacks(execute=True):
            transaction.on_commit(lambda: told.append("test"))
            with self.captureOnCommitCallbacks(execute=True):
                add_job(QUEUE, "new", {"name": "Ann"})
            self.assertEqual(run_jobs(), 1)
            self.assertEqual(told, ["job"])
        self.assertEqual(told, ["job", "test"])


def _noted(told: list[str]) -> Callable[..., None]:
    def note(*, name: str) -> None:
        transaction.on_commit(lambda: told.append("job"))

    return note
