"""The worker as a process: `manage.py rqworker`."""

import signal
import time
from collections.abc import Callable

import pytest
from redis import Redis

from queues import QueueStats, add_jobs, get_queue, get_queue_stats
from queues.testing import run_jobs
from tests.processes import StartWorker, WorkerProcess, wait_until
from tests.testapp.jobs import QUEUE, give_up, greet

Traces = Callable[[], list[str]]


def finish(worker: WorkerProcess, timeout: float = 30) -> str:
    output, _ = worker.communicate(timeout=timeout)
    assert worker.returncode == 0, output
    return output


def test_non_retryable_fails_at_once(traces: Traces) -> None:
    give_up.enqueue(name="Ann")
    assert run_jobs(QUEUE) == 1
    assert (get_queue(QUEUE).jobs("failed")[0].attempts_made, traces()) == (1, ["start Ann"])


def test_a_queue_runs_as_many_jobs_at_a_time_as_its_limit(start_worker: StartWorker) -> None:
    for number in range(10):
        greet.enqueue(name=f"n{number}", seconds=0.5)
    start_worker(QUEUE)
    wait_until(lambda: get_queue_stats(QUEUE).active)
    time.sleep(0.2)
    assert get_queue_stats(QUEUE).active == get_queue(QUEUE).concurrency == 5
    wait_until(lambda: get_queue_stats(QUEUE).completed == 10)


def test_sigterm_finishes_running_jobs_and_leaves_the_rest_waiting(start_worker: StartWorker, traces: Traces) -> None:
    for number in range(8):
        greet.enqueue(name=f"n{number}", seconds=1)
    worker = start_worker(QUEUE)
    wait_until(lambda: len(traces()) == 5)
    worker.send_signal(signal.SIGTERM)
    finish(worker)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=3, completed=5)
    assert get_queue(QUEUE).workers() == []


def test_what_does_not_finish_in_time_is_given_back_uncharged(start_worker: StartWorker, traces: Traces) -> None:
    greet.enqueue(name="Ann", seconds=20)
    worker = start_worker(QUEUE)
    wait_until(traces)
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    worker.send_signal(signal.SIGTERM)
    finish(worker, timeout=10)
    (job,) = get_queue(QUEUE).jobs("waiting")
    assert (job.attempts_made, job.stalls) == (0, 0)


def test_two_signals_at_once_are_two_wishes_to_stop(start_worker: StartWorker, traces: Traces) -> None:
    greet.enqueue(name="Ann", seconds=60)
    worker = start_worker(QUEUE)
    wait_until(traces)
    asked_at = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGINT)
    finish(worker, timeout=20)
    assert time.monotonic() - asked_at < 15, "it did not wait the 30 s of a single wish"
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)


def test_a_killed_worker_loses_no_job_and_charges_no_attempt(start_worker: StartWorker, traces: Traces, connection: Redis) -> None:
    names = [f"n{number}" for number in range(4)]
    add_jobs(QUEUE, [("greet-all", {"name": name, "seconds": 1.0}) for name in names])
    worker = start_worker(QUEUE, QUEUES_LEASE_SECONDS="5")
    wait_until(traces)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    rescuer = start_worker(QUEUE, QUEUES_LEASE_SECONDS="5")
    wait_until(lambda: get_queue_stats(QUEUE).completed == 4)
    assert sorted(traces()[1:]) == [f"batch 1 {name}" for name in names], "what stalled runs alone"
    assert {(job.attempts_made, job.stalls) for job in get_queue(QUEUE).jobs("completed")} == {(1, 1)}
    rescuer.send_signal(signal.SIGTERM)
    finish(rescuer)
    assert connection.keys("rq:ext:notifications:lease") == []


def test_a_lost_lease_settles_nothing(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.outcomes import completed
    from queues.worker.settling import settle

    greet.enqueue(name="Ann")
    (unit,), _ = Claimer(worker="slow", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
    connection.delete(f"rq:ext:{QUEUE}:lease")
    assert settle(connection, "slow", [completed(unit.claims[0], "too late")]) == []
    assert get_queue_stats(QUEUE).completed == 0


def test_a_job_deleted_while_it_runs_leaves_no_stub(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.outcomes import completed
    from queues.worker.settling import settle

    job = greet.enqueue(name="Ann")
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
    connection.delete(f"rq:job:{job.id}")
    settle(connection, "w", [completed(unit.claims[0], None)])
    assert connection.keys("rq:job:*") == []


def test_a_job_that_stalls_again_is_a_dead_letter(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.leases import Reaper

    greet.enqueue(name="Ann")
    for _ in range(2):
        Claimer(worker="w", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=1)])
        Reaper([QUEUE])._reap_queue(connection, QUEUE)
    (job,) = get_queue(QUEUE).jobs("failed")
    assert (job.stalls, job.attempts_made) == (2, 0)
    assert "JobStalled" in job.error


def test_items_of_a_batch_whose_worker_disappeared_run_once_more_each_alone(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.leases import Reaper

    add_jobs(QUEUE, [("greet-all", {"name": f"n{number}"}) for number in range(3)])
    sizes = []
    for _ in range(2):
        units, _ = Claimer(worker="w", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=5)])
        sizes.append([len(unit.claims) for unit in units])
        Reaper([QUEUE])._reap_queue(connection, QUEUE)
    assert sizes == [[3], [1, 1, 1]]
    assert {job.error_class for job in get_queue(QUEUE).jobs("failed")} == {"JobStalled"}
    assert get_queue_stats(QUEUE).counts() == {"waiting": 0, "active": 0, "completed": 0, "failed": 3, "delayed": 0}


@pytest.mark.parametrize("count", [2])
def test_two_workers_share_the_work_and_run_nothing_twice(start_worker: StartWorker, traces: Traces, count: int) -> None:
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(500)])
    for worker in [start_worker(QUEUE, "--burst") for _ in range(count)]:
        finish(worker)
    starts = [trace for trace in traces() if trace.startswith("start")]
    assert len(starts) == len(set(starts)) == 500


def test_a_dedupe_key_is_free_once_its_job_runs(traces: Traces) -> None:
    from queues import add_job

    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann")
    run_jobs(QUEUE)
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann")
    run_jobs(QUEUE)
    assert traces().count("start Ann") == 2
