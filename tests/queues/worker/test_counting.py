"""What real workers leave behind in the counters of their queue."""

from __future__ import annotations

import signal
import time

from redis import Redis

from queues import State, add_job, add_jobs, cancel_job, get_job, get_workers
from queues.store import keys, metrics
from queues.store.metrics import Tally
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE


def tally(connection: Redis, name: str) -> Tally:
    return metrics.by_name(connection.hgetall(keys.counts(QUEUE))).get(name, Tally())


def counted(connection: Redis, name: str) -> tuple[int, int, int, int, int]:
    """Completed, failed, retried, runs, waits; the hours must have counted the same."""
    found = tally(connection, name)
    by_hour = sum((span.names.get(name, Tally()) for span in metrics.hours(connection, QUEUE, 2)), Tally())
    assert by_hour == found
    return found.completed, found.failed, found.retried, found.run.count, found.wait.count


def test_each_way_that_a_run_ends_is_counted_once(connection: Redis, start_worker: StartWorker) -> None:
    add_job(QUEUE, "fail", {"name": "Ann"}, attempts=2, backoff=0)
    add_job(QUEUE, "later-once", {"name": "Bob"})
    add_jobs(QUEUE, [("greet-all", {"name": f"n{number}", "fails": int(number == 3)}) for number in range(8)], backoff=0)
    waits = add_job(QUEUE, "greet", {"name": "Cleo"}, delay=60)
    cancel_job(waits.id)
    assert start_worker(QUEUE, "--burst").wait(60) == 0
    assert counted(connection, "fail") == (0, 1, 1, 2, 2)
    assert counted(connection, "later-once") == (1, 0, 0, 2, 2), "a postponement is neither a failure nor a retry"
    assert counted(connection, "greet-all") == (8, 0, 1, 9, 9)
    assert counted(connection, "greet") == (0, 1, 0, 0, 0), "cancelled before it ran"
    minutes = sum((span.total for span in metrics.minutes(connection, QUEUE, 3)), Tally())
    assert (minutes.completed, minutes.failed, minutes.retried, minutes.run.count, minutes.wait.count) == (9, 2, 2, 13, 13)


def test_the_wait_of_a_delayed_job_counts_from_when_it_is_due(connection: Redis, start_worker: StartWorker) -> None:
    start_worker(QUEUE)
    wait_until(lambda: get_workers(QUEUE))
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=3)
    wait_until(lambda: tally(connection, "greet").completed)
    assert tally(connection, "greet").wait_seconds < 2


def test_a_job_that_is_cancelled_as_it_runs_is_a_failure_with_its_run(connection: Redis, start_worker: StartWorker) -> None:
    job = add_job(QUEUE, "spin", {"seconds": 30})
    start_worker(QUEUE)
    wait_until(lambda: get_job(job.id).state is State.ACTIVE)
    cancel_job(job.id)
    wait_until(lambda: tally(connection, "spin").failed)
    assert counted(connection, "spin") == (0, 1, 0, 1, 1)


def test_a_stall_is_counted_and_the_next_wait_begins_with_it(connection: Redis, start_worker: StartWorker) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann", "seconds": 2})
    worker = start_worker(QUEUE, DJANGO_SETTINGS_MODULE="tests.chaos.settings")  # short leases
    wait_until(lambda: get_job(job.id).state is State.ACTIVE)
    added, waited = time.monotonic(), tally(connection, "greet").wait_seconds
    worker.send_signal(signal.SIGKILL)
    start_worker(QUEUE, DJANGO_SETTINGS_MODULE="tests.chaos.settings")
    wait_until(lambda: get_job(job.id).state is State.COMPLETED)
    found = tally(connection, "greet")
    assert (found.stalled, found.completed, found.run.count, found.wait.count) == (1, 1, 1, 2)
    assert found.wait_seconds - waited < (time.monotonic() - added) / 2, "not the time that it ran, and lay with a dead worker"


def test_what_rqs_tools_queue_again_leaves_the_index_of_errors(connection: Redis, start_worker: StartWorker) -> None:
    from django_rq import get_queue as get_rq_queue

    job = add_job(QUEUE, "picky", {"error": "refused"})
    assert start_worker(QUEUE, "--burst").wait(60) == 0
    assert connection.zcard(f"rq:ext:{QUEUE}:by:error:ConnectionRefusedError") == 1
    get_rq_queue(QUEUE).failed_job_registry.requeue(job.id)
    connection.hset(f"rq:job:{job.id}", "data", connection.hget(f"rq:job:{add_job(QUEUE, 'picky', {'error': 'value'}).id}", "data"))
    assert start_worker(QUEUE, "--burst").wait(60) == 0
    assert connection.zcard(f"rq:ext:{QUEUE}:by:error:ConnectionRefusedError") == 0
