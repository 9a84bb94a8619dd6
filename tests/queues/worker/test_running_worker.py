"""What a worker that runs on does with one job after the other."""

import time
from collections.abc import Callable, Iterator

import pytest
from django_rq import get_queue as get_rq_queue

from queues import QueueStats, add_jobs, get_queue, get_queue_stats
from tests.processes import wait_until, worker_processes
from tests.testapp.jobs import QUEUE, fail, greet, later_once, oversleep

Traces = Callable[[], list[str]]


@pytest.fixture(scope="module", autouse=True)
def worker() -> Iterator[None]:
    with worker_processes({}) as start:
        start(QUEUE)
        yield


def test_a_job_fails_three_times_after_one_and_two_seconds_and_is_a_dead_letter(times: Callable[[str], list[float]]) -> None:
    fail.enqueue(name="Ann")
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    first, second, third = times("start Ann")
    assert 1.0 <= second - first < 2.0 <= third - second < 4.0
    (job,) = get_queue(QUEUE).jobs("failed")
    assert (job.attempts_made, job.error) == (3, "ValueError: no luck with Ann")


def test_each_attempt_is_kept_with_its_traceback_where_rq_looks() -> None:
    job = fail.using(backoff=0).enqueue(name="Ann")
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    results = get_rq_queue(QUEUE).fetch_job(job.id).results()
    assert [result.type.name for result in results] == ["FAILED", "RETRIED", "RETRIED"]
    assert all("no luck with Ann" in result.exc_string for result in results)


def test_retry_later_charges_no_attempt(traces: Traces) -> None:
    later_once.enqueue(name="Ann")
    wait_until(lambda: get_queue_stats(QUEUE).completed)
    assert traces() == ["start Ann", "start Ann"]
    assert get_queue(QUEUE).jobs("completed")[0].attempts_made == 1


def test_a_batch_handler_gets_many_and_a_failing_item_is_retried_alone(traces: Traces) -> None:
    items = [("greet-all", {"name": f"n{number}", "fails": 1 if number == 3 else 0}) for number in range(8)]
    add_jobs(QUEUE, items)
    wait_until(lambda: get_queue_stats(QUEUE).completed == 8)
    assert traces() == ["batch 8 n0,n1,n2,n3,n4,n5,n6,n7", "batch 1 n3"]
    assert get_queue_stats(QUEUE) == QueueStats(completed=8)


def test_a_delayed_job_is_never_early_and_hardly_late(times: Callable[[str], list[float]]) -> None:
    late: list[float] = []
    for name in ("Ann", "Bob", "Cleo"):
        due = time.time() + 0.7
        greet.using(delay=0.7).enqueue(name=name)
        wait_until(lambda name=name: times(f"start {name}"))
        late.append(times(f"start {name}")[0] - due)
    assert min(late) >= -0.01
    assert min(late) < 0.25, "unless the machine does other things"


def test_an_overrun_is_interrupted_and_counts_as_a_failed_attempt() -> None:
    oversleep.enqueue(name="Ann")
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    (job,) = get_queue(QUEUE).jobs("failed")
    assert "JobTimeout: ran longer than its timeout of 1 s" in job.error
