"""Isolated jobs in real workers: what they do to their process, and what happens to it when the worker goes."""

import os
import signal
import subprocess
import time
from collections.abc import Callable

from django_rq import get_queue as get_rq_queue

from queues import QueueStats, State, get_queue, get_queue_stats
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, isolated, isolated_work

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
    assert "Unpicklable: no luck" in output, "the worker tells it, too"
    results = get_rq_queue(QUEUE).fetch_job(job.id).results()
    assert [entry.type.name for entry in results] == ["FAILED", "RETRIED", "RETRIED"]
    assert all('raise Unpicklable("no luck"' in entry.exc_string for entry in results)
    assert all("isolation.py" not in entry.exc_string for entry in results)
    assert len(set(pids(traces(), "raise"))) == 1, "a failure costs no process"


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
