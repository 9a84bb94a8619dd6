"""Tasks in a worker process of their own."""

from collections.abc import Callable
from typing import Any

from redis import Redis

from queues.exceptions import JobStalled, JobTimeout
from queues.store import keys
from queues.tasks.interface import TaskResultStatus
from queues.worker.claimer import Claimer, Room
from queues.worker.leases import Reaper
from tests.processes import StartWorker, wait_until
from tests.testapp import tasks
from tests.testapp.jobs import QUEUE


def lose_leases(connection: Redis) -> None:
    """Lets the leases of the queue run out now, and has them taken back."""
    for member in connection.zrange(keys.leases(QUEUE), 0, -1):
        connection.zadd(keys.leases(QUEUE), {member: 0})
    Reaper([QUEUE])._reap_queue(connection, QUEUE)


def has(result: Any, status: TaskResultStatus) -> bool:
    result.refresh()
    return result.status == status


def test_a_worker_runs_tasks_of_both_kinds_and_names_itself(start_worker: StartWorker) -> None:
    worker = start_worker("--burst", "--name", "the-worker")
    results = [tasks.add.enqueue(1, b=2), tasks.add_later.enqueue(1, 2), tasks.who_am_i.enqueue("hi"), tasks.fail.enqueue()]
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    for result in results:
        wait_until(lambda result=result: result.refresh() or result.is_finished)
        assert result.worker_ids == ["the-worker"]
    assert [result.return_value for result in results[:3]] == [3, 3, [results[2].id, 1, "RUNNING", "hi"]]
    assert results[3].errors[0].exception_class is ValueError


def test_a_worker_runs_again_what_its_backend_retries(start_worker: StartWorker, traces: Callable[[], list[str]]) -> None:
    result = tasks.fail_once.enqueue("Ann")
    output, _ = start_worker("--burst").communicate(timeout=60)
    assert traces() == ["try Ann", "try Ann"]
    assert has(result, TaskResultStatus.SUCCESSFUL), output
    assert f"Task id={result.id} path=tests.testapp.tasks.fail_once state=SUCCESSFUL" in output


def test_a_task_that_leaves_ends_no_worker(start_worker: StartWorker) -> None:
    result, after = tasks.leave.enqueue(), tasks.add.enqueue(1)
    output, _ = start_worker(QUEUE, "--burst").communicate(timeout=60)
    assert has(result, TaskResultStatus.FAILED) and has(after, TaskResultStatus.SUCCESSFUL), output
    assert result.errors[0].exception_class is SystemExit
    assert result.errors[0].traceback.endswith("SystemExit: this task leaves\n")


def test_a_task_beyond_its_backends_timeout_is_interrupted(start_worker: StartWorker) -> None:
    result = tasks.oversleep.enqueue()
    start_worker(QUEUE)
    wait_until(lambda: result.refresh() or result.errors)
    assert result.errors[0].exception_class is JobTimeout


def test_a_task_whose_worker_is_killed_runs_again_in_another(start_worker: StartWorker, connection: Redis) -> None:
    result = tasks.sleep.enqueue(1)
    worker = start_worker(QUEUE, "--name", "killed")
    wait_until(lambda: has(result, TaskResultStatus.RUNNING))
    worker.kill()
    worker.wait()
    lose_leases(connection)
    assert has(result, TaskResultStatus.READY)
    output, _ = start_worker(QUEUE, "--burst", "--name", "rescuer").communicate(timeout=60)
    assert has(result, TaskResultStatus.SUCCESSFUL), output
    assert (result.return_value, result.worker_ids) == ("rested", ["rescuer"])


def test_a_task_that_loses_its_worker_twice_has_failed_and_says_so(connection: Redis, sent: list[tuple[str, Any]]) -> None:
    result = tasks.add.enqueue(1)
    for _ in range(2):
        Claimer(worker="gone", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
        lose_leases(connection)
    assert has(result, TaskResultStatus.FAILED)
    assert [error.exception_class for error in result.errors] == [JobStalled]
    assert result.worker_ids == ["gone"]
    assert result.started_at <= result.finished_at
    assert [(name, seen.status) for name, seen in sent] == [("finished by QueuesBackend", TaskResultStatus.FAILED)]
