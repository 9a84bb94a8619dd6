"""Isolated jobs in real workers: what they do to their process, and what happens to it when the worker goes."""

import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from django_rq import get_queue as get_rq_queue
from redis import Redis

from queues import QueueStats, State, cancel_job, get_queue, get_queue_stats
from tests.processes import wait_until
from tests.queues.worker.test_refusals import Bomb, plant
from tests.testapp.jobs import QUEUE, greet, isolated, isolated_hang, isolated_picky, isolated_work

StartWorker = Callable[..., subprocess.Popen[str]]
Traces = Callable[[], list[str]]

WAYS_TO_HANG = ["loop", "sleep", "regular expression", "grandchild"]


def is_running(pid: int) -> bool:
    """Whether there is such a process; a zombie, which nobody has asked for its end yet, is none."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def children(pid: int) -> list[int]:
    """The processes for isolated jobs that a worker has; it may have started others for a moment."""
    listed = subprocess.run(["ps", "-wweo", "ppid=,pid=,args="], capture_output=True, text=True, check=True).stdout
    found = [line.split(maxsplit=2) for line in listed.splitlines()]
    return [int(child) for parent, child, program in found if int(parent) == pid and "child_main" in program]


def pids(traces: list[str], word: str) -> list[int]:
    return [int(trace.split()[-1]) for trace in traces if trace.startswith(word)]


def result(job_id: str) -> dict[str, int]:
    return get_rq_queue(QUEUE).fetch_job(job_id).results()[0].return_value


def has_ended(job_id: str) -> bool:
    return job_id in get_queue(QUEUE).job_ids("completed")


def test_a_result_comes_back_and_the_next_job_gets_the_same_process(start_worker: StartWorker) -> None:
    worker = start_worker(QUEUE)
    jobs = []
    for _ in range(3):
        jobs.append(isolated.enqueue(does="query").id)
        wait_until(lambda: has_ended(jobs[-1]))
    (pid,) = {result(job)["pid"] for job in jobs}
    assert pid != worker.pid
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert not is_running(pid), "a clean end leaves no process"


def test_what_a_job_prints_comes_out_of_its_worker(start_worker: StartWorker) -> None:
    isolated.enqueue(does="talk")
    output, _ = start_worker(QUEUE, "--burst").communicate(timeout=60)
    assert "the child says hello" in output


def test_a_failure_is_retried_with_its_own_class_and_the_childs_traceback(start_worker: StartWorker, traces: Traces) -> None:
    job = isolated.using(backoff=0).enqueue(does="raise")
    output, _ = start_worker(QUEUE, "--burst").communicate(timeout=60)
    (dead,) = get_queue(QUEUE).jobs("failed")
    assert (dead.attempts_made, dead.error_class, dead.error) == (3, "Unpicklable", "Unpicklable: no luck"), output
    results = get_rq_queue(QUEUE).fetch_job(job.id).results()
    assert [entry.type.name for entry in results] == ["FAILED", "RETRIED", "RETRIED"]
    assert all('raise Unpicklable("no luck"' in entry.exc_string for entry in results)
    assert all("isolation.py" not in entry.exc_string for entry in results)
    assert len(set(pids(traces(), "raise"))) == 1, "a failure costs no process"


def test_retry_later_is_not_charged_and_non_retryable_ends(start_worker: StartWorker) -> None:
    isolated.enqueue(does="later")
    isolated.enqueue(does="give up")
    start_worker(QUEUE, "--burst").communicate(timeout=60)
    (completed,), (failed,) = get_queue(QUEUE).jobs("completed"), get_queue(QUEUE).jobs("failed")
    assert (completed.attempts_made, failed.attempts_made, failed.error_class) == (1, 1, "NonRetryable")


def test_whatever_ignores_its_deadline_is_killed_and_the_threads_are_free_again(start_worker: StartWorker, traces: Traces) -> None:
    for how in [*WAYS_TO_HANG, "loop"]:
        isolated_hang.enqueue(how=how)
    assert get_queue(QUEUE).concurrency == 5
    start_worker(QUEUE)
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


def test_a_worker_killed_by_kill_9_takes_its_processes_with_it(start_worker: StartWorker, traces: Traces) -> None:
    for how in WAYS_TO_HANG:
        isolated_work.enqueue(how=how)
    worker = start_worker(QUEUE)
    wait_until(lambda: len(pids(traces(), "hang")) == 5)
    running = pids(traces(), "hang")
    assert all(is_running(pid) for pid in running)
    worker.kill()
    worker.wait()
    wait_until(lambda: not any(is_running(pid) for pid in running), timeout_seconds=5)


def test_a_worker_killed_while_a_process_starts_leaves_none_either(start_worker: StartWorker) -> None:
    isolated_work.enqueue(how="regular expression")
    worker = start_worker(QUEUE)
    wait_until(lambda: children(worker.pid))
    (child,) = children(worker.pid)
    worker.kill()
    worker.wait()
    wait_until(lambda: not is_running(child))


def test_ctrl_c_and_sigterm_to_the_whole_group_let_a_running_job_finish(start_worker: StartWorker, traces: Traces) -> None:
    isolated.enqueue(seconds=1.5)
    worker = start_worker(QUEUE)
    wait_until(traces)
    (child,) = pids(traces(), "return")
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(child, number)
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=60)
    assert (worker.returncode, get_queue_stats(QUEUE)) == (0, QueueStats(completed=1)), output
    assert not is_running(child)


def test_what_does_not_finish_in_time_is_killed_and_given_back_uncharged(start_worker: StartWorker, traces: Traces) -> None:
    isolated_work.enqueue(how="regular expression")
    worker = start_worker(QUEUE)
    wait_until(traces)
    (child,) = pids(traces(), "hang")
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=10)
    assert worker.returncode == 0, output
    (job,) = get_queue(QUEUE).jobs("waiting")
    assert (job.state, job.attempts_made, job.stalls) == (State.WAITING, 0, 0)
    assert not is_running(child)


def test_isolated_jobs_and_others_run_side_by_side(start_worker: StartWorker) -> None:
    for number in range(20):
        greet.enqueue(name=str(number))
        isolated.enqueue()
    start_worker(QUEUE, "--burst").communicate(timeout=60)
    assert get_queue_stats(QUEUE) == QueueStats(completed=40)


def test_what_plain_rq_enqueues_is_isolated_too(start_worker: StartWorker, connection: Redis, traces: Traces) -> None:
    plant(connection, orjson.dumps(["tests.testapp.jobs.isolated", None, [], {}]))
    worker = start_worker(QUEUE, "--burst")
    output, _ = worker.communicate(timeout=60)
    assert get_queue_stats(QUEUE) == QueueStats(completed=1), output
    assert pids(traces(), "return") != [worker.pid]


@pytest.mark.parametrize("planted", ["pickle", "function"])
def test_a_process_runs_registered_jobs_only(start_worker: StartWorker, connection: Redis, tmp_path: Path, planted: str) -> None:
    target = tmp_path / "created"
    call = orjson.dumps(["tests.testapp.jobs.unregistered", None, [str(target)], {}])
    plant(connection, call if planted == "function" else pickle.dumps(Bomb(target)), name="isolated", attempts="3")
    output, _ = start_worker(QUEUE, "--burst").communicate(timeout=60)
    (job,) = get_queue(QUEUE).jobs("failed")
    assert (job.error_class, job.attempts_made) == ("Refused", 1), output
    assert not target.exists()


def test_a_cancelled_job_is_killed_whatever_it_does(start_worker: StartWorker, traces: Traces) -> None:
    job = isolated_work.enqueue(how="loop")
    start_worker(QUEUE)
    wait_until(lambda: pids(traces(), "hang"))
    assert cancel_job(job.id) is State.ACTIVE
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    assert get_queue(QUEUE).get(job.id).error == "JobCancelled: it was cancelled while it ran"
    (pid,) = pids(traces(), "hang")
    wait_until(lambda: not is_running(pid))


def test_errors_are_retried_by_their_class_in_the_child_and_progress_is_told(start_worker: StartWorker, traces: Traces) -> None:
    retried, given_up = isolated_picky.enqueue(error="reset"), isolated_picky.enqueue(error="value")
    start_worker(QUEUE)
    wait_until(lambda: get_queue_stats(QUEUE).failed == 2)
    assert sorted(traces()) == ["start reset"] * 3 + ["start value"]
    assert {retried.refresh().progress, given_up.refresh().progress} == {50}
