"""What a task's result says while it waits, runs, ends, fails and is tried again."""

import uuid
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from queues import clean_queue, get_queue
from queues.tasks.interface import TaskResultDoesNotExist, TaskResultStatus
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from tests.processes import wait_until
from tests.queues.tasks.interface import TaskResultMismatch, task_backends
from tests.testapp import tasks
from tests.testapp.jobs import QUEUE, greet


def run(task: Any, *args: Any) -> Any:
    """The result of the task, run here."""
    result = task.enqueue(*args)
    run_jobs(QUEUE)
    result.refresh()
    return result


def test_a_result_found_again_equals_the_one_that_enqueue_returned() -> None:
    result = tasks.add.enqueue(1, b=2)
    assert task_backends["default"].get_result(result.id) == result
    assert async_to_sync(task_backends["default"].aget_result)(result.id) == result


def test_a_task_that_ran_has_its_value_its_times_and_its_worker() -> None:
    result = run(tasks.add, 1, 2)
    assert (result.status, result.is_finished, result.return_value) == (TaskResultStatus.SUCCESSFUL, True, 3)
    assert result.enqueued_at <= result.started_at <= result.last_attempted_at <= result.finished_at
    assert (result.attempts, result.worker_ids, result.errors) == (1, ["run_jobs"], [])


def test_a_result_changes_only_when_it_is_refreshed() -> None:
    result = tasks.add.enqueue(1)
    run_jobs(QUEUE)
    assert (result.status, result.started_at, result.attempts) == (TaskResultStatus.READY, None, 0)
    async_to_sync(result.arefresh)()
    assert (result.status, result.return_value) == (TaskResultStatus.SUCCESSFUL, 2)


def test_a_task_that_returns_nothing_is_counted_all_the_same() -> None:
    result = run(tasks.note)
    assert (result.return_value, result.attempts, result.worker_ids) == (None, 1, ["run_jobs"])
    assert result.started_at == result.last_attempted_at <= result.finished_at


def test_a_coroutine_runs() -> None:
    assert run(tasks.add_later, 1, 2).return_value == 3


def test_a_claimed_task_is_running() -> None:
    result = tasks.note.enqueue()
    Claimer(worker="somebody", lease_seconds=30).claim(get_queue(QUEUE).connection, [Room(queue=QUEUE, units=1)])
    result.refresh()
    assert (result.status, result.worker_ids, result.finished_at) == (TaskResultStatus.RUNNING, ["somebody"], None)
    assert result.started_at == result.last_attempted_at is not None


@pytest.mark.parametrize(
    ("task", "error", "line"),
    [
        (tasks.fail, ValueError, "ValueError: no luck\n"),
        (tasks.puzzle, tasks.Puzzle, "tests.testapp.tasks.Puzzle: inside\n"),
        (tasks.echo, TypeError, "missing 1 required positional argument: 'value'\n"),
    ],
)
def test_a_task_that_fails_runs_once_and_keeps_its_exception(task: Any, error: type[BaseException], line: str) -> None:
    result = run(task)
    assert (result.status, result.is_finished, result.attempts) == (TaskResultStatus.FAILED, True, 1)
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert [failure.exception_class for failure in result.errors] == [error]
    assert result.errors[0].traceback.startswith("Traceback") and result.errors[0].traceback.endswith(line)
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


@pytest.mark.parametrize("task", [tasks.unserializable, tasks.infinite])
def test_a_return_value_that_is_not_json_fails_the_task(task: Any) -> None:
    result = run(task)
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 1)
    assert result.errors[0].exception_class is TypeError
    assert "Unsupported" in result.errors[0].traceback


def test_a_backend_with_attempts_tries_again_and_is_ready_in_between() -> None:
    result = run(tasks.fail_once, "Ann")
    assert (result.status, result.finished_at, result.attempts) == (TaskResultStatus.READY, None, 1)
    first = result.last_attempted_at
    wait_until(lambda: run_jobs(QUEUE) == 1)
    result.refresh()
    assert (result.status, result.return_value, result.attempts) == (TaskResultStatus.SUCCESSFUL, "Ann", 2)
    assert [error.exception_class for error in result.errors] == [ValueError]
    assert first <= result.started_at < result.last_attempted_at


def test_the_backend_that_a_task_is_sent_to_decides_its_attempts() -> None:
    result = run(tasks.fail.using(backend="patient"))
    assert result.status == TaskResultStatus.READY
    wait_until(lambda: run_jobs(QUEUE) == 1)
    result.refresh()
    assert (result.status, result.attempts, len(result.errors)) == (TaskResultStatus.FAILED, 2, 2)


def test_a_pause_that_a_task_asks_for_is_not_an_attempt() -> None:
    result = run(tasks.later_once, "Ann")
    assert (result.status, result.attempts, result.errors) == (TaskResultStatus.READY, 0, [])
    wait_until(lambda: run_jobs(QUEUE) == 1)
    result.refresh()
    assert (result.return_value, result.attempts) == ("Ann", 1)


def test_a_dead_task_can_be_retried_like_every_job() -> None:
    result = run(tasks.fail)
    assert get_queue(QUEUE).retry_failed(name="tests.testapp.tasks.fail", error_class="ValueError") == 1
    result.refresh()
    assert (result.status, result.finished_at) == (TaskResultStatus.READY, None)
    run_jobs(QUEUE)
    result.refresh()
    assert (result.status, result.attempts) == (TaskResultStatus.FAILED, 2)


def test_the_context_knows_the_result_and_counts_the_attempt() -> None:
    result = run(tasks.who_am_i, "word")
    assert result.return_value == [result.id, 1, "RUNNING", "word"]
    again = run(tasks.attempts_until_two)
    wait_until(lambda: run_jobs(QUEUE) == 1)
    again.refresh()
    assert again.return_value == 2


def test_signals_are_sent_at_each_start_and_at_the_end(sent: list[tuple[str, Any]]) -> None:
    result = run(tasks.fail_once, "Bob")
    wait_until(lambda: run_jobs(QUEUE) == 1)
    names = [name for name, _ in sent]
    assert names == ["started by QueuesBackend", "started by QueuesBackend", "finished by QueuesBackend"]
    assert [(seen.id, seen.status, seen.attempts) for _, seen in sent] == [
        (result.id, TaskResultStatus.RUNNING, 1),
        (result.id, TaskResultStatus.RUNNING, 2),
        (result.id, TaskResultStatus.SUCCESSFUL, 2),
    ]
    assert sent[-1][1].return_value == "Bob"


def test_the_end_is_announced_also_of_a_failure_and_of_a_task_that_is_not_kept(settings, sent: list[tuple[str, Any]]) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, QUEUE: {**settings.RQ_QUEUES[QUEUE], "KEEP_FAILED": 0}}
    result = tasks.fail.enqueue()
    run_jobs(QUEUE)
    assert (sent[-1][0], sent[-1][1].id, sent[-1][1].status) == ("finished by QueuesBackend", result.id, TaskResultStatus.FAILED)
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


def test_jobs_that_are_no_tasks_send_no_signals_of_tasks(sent: list[tuple[str, Any]]) -> None:
    greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert sent == []


@pytest.mark.parametrize("result_id", [str(uuid.UUID(int=7)), uuid.UUID(int=7), "123", "", "a:b", "a\nb", "*", "x" * 10_000, 7])
def test_an_id_that_nobody_has_is_no_result(result_id: Any) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result(result_id)
    with pytest.raises(TaskResultDoesNotExist):
        async_to_sync(task_backends["default"].aget_result)(result_id)


def test_a_key_of_another_kind_beside_the_job_is_no_result() -> None:
    result = tasks.note.enqueue()
    get_queue(QUEUE).connection.sadd(f"rq:job:{result.id}:dependents", "x")
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result(f"{result.id}:dependents")


def test_a_job_that_is_no_task_is_no_result() -> None:
    job = greet.enqueue(name="Ann")
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result(job.id)


def test_a_result_belongs_to_its_backend_and_its_task() -> None:
    result = tasks.note.enqueue()
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["patient"].get_result(result.id)
    with pytest.raises(TaskResultMismatch):
        tasks.add.get_result(result.id)


def test_a_result_that_was_cleaned_up_is_gone() -> None:
    result = run(tasks.note)
    clean_queue(QUEUE, 0)
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()
