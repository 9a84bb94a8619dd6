"""Isolated jobs in one worker that runs on: what becomes of them, and of those beside them."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from redis import Redis

from queues import QueueStats, State, cancel_job, get_queue, get_queue_stats
from tests.processes import WorkerProcess, wait_until, worker_processes
from tests.queues.worker.test_isolation_process import WAYS_TO_HANG, has_ended, is_running, pids, result
from tests.queues.worker.test_refusals import Bomb, plant
from tests.testapp.jobs import QUEUE, greet, isolated, isolated_hang, isolated_picky, isolated_work

Traces = Callable[[], list[str]]


@pytest.fixture(scope="module", autouse=True)
def worker() -> Iterator[WorkerProcess]:
    with worker_processes({"QUEUES_POLL_SECONDS": "1"}) as start:
        yield start(QUEUE)


def test_retry_later_is_not_charged_and_non_retryable_ends() -> None:
    isolated.enqueue(does="later")
    isolated.enqueue(does="give up")
    wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(completed=1, failed=1))
    (completed,), (failed,) = get_queue(QUEUE).jobs("completed"), get_queue(QUEUE).jobs("failed")
    assert (completed.attempts_made, failed.attempts_made, failed.error_class) == (1, 1, "NonRetryable")


def test_whatever_ignores_its_deadline_is_killed_and_the_threads_are_free_again(traces: Traces) -> None:
    for how in [*WAYS_TO_HANG, "loop"]:
        isolated_hang.enqueue(how=how)
    assert get_queue(QUEUE).concurrency == 5
    wait_until(lambda: get_queue_stats(QUEUE).failed == 5)
    errors = {job.error for job in get_queue(QUEUE).jobs("failed")}
    assert errors == {"JobTimeout: ran longer than its timeout of 1 s, so its process was killed"}
    killed = pids(traces(), "hang")
    assert len(killed) == 6
    assert not any(is_running(pid) for pid in killed), "the grandchild neither"
    after = [isolated.enqueue(seconds=0.5).id for _ in range(5)]
    wait_until(lambda: get_queue_stats(QUEUE).active == 5)
    wait_until(lambda: all(has_ended(job) for job in after))
    assert not {result(job)["pid"] for job in after} & set(killed)


def test_isolated_jobs_and_others_run_side_by_side() -> None:
    for number in range(20):
        greet.enqueue(name=str(number))
        isolated.enqueue()
    wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(completed=40))


def test_what_plain_rq_enqueues_is_isolated_too(worker: WorkerProcess, connection: Redis, traces: Traces) -> None:
    plant(connection, orjson.dumps(["tests.testapp.jobs.isolated", None, [], {}]))
    wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(completed=1))
    assert pids(traces(), "return") != [worker.pid]


@pytest.mark.parametrize("planted", ["pickle", "function"])
def test_a_process_runs_registered_jobs_only(connection: Redis, tmp_path: Path, planted: str) -> None:
    target = tmp_path / "created"
    call = orjson.dumps(["tests.testapp.jobs.unregistered", None, [str(target)], {}])
    plant(connection, call if planted == "function" else pickle.dumps(Bomb(target)), name="isolated", attempts="3")
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    (job,) = get_queue(QUEUE).jobs("failed")
    assert (job.error_class, job.attempts_made) == ("Refused", 1)
    assert not target.exists()


def test_a_cancelled_job_is_killed_whatever_it_does(traces: Traces) -> None:
    job = isolated_work.enqueue(how="loop")
    wait_until(lambda: pids(traces(), "hang"))
    assert cancel_job(job.id) is State.ACTIVE
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    assert get_queue(QUEUE).get(job.id).error == "JobCancelled: it was cancelled while it ran"
    (pid,) = pids(traces(), "hang")
    wait_until(lambda: not is_running(pid))


def test_errors_are_retried_by_their_class_in_the_child_and_progress_is_told(traces: Traces) -> None:
    retried, given_up = isolated_picky.enqueue(error="reset"), isolated_picky.enqueue(error="value")
    wait_until(lambda: get_queue_stats(QUEUE).failed == 2)
    assert sorted(traces()) == ["start reset"] * 3 + ["start value"]
    assert {retried.refresh().progress, given_up.refresh().progress} == {50}
