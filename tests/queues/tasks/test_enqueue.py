"""A task becomes a job of its queue, at once or with its transaction."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.utils import timezone

from queues import RedisUnavailable, UnknownQueue, get_queue, get_queue_stats
from queues.tasks.interface import TaskResultDoesNotExist, TaskResultStatus, task_enqueued
from queues.testing import run_jobs
from tests.queues.tasks.interface import InvalidTask, task_backends
from tests.testapp import tasks
from tests.testapp.jobs import QUEUE


@pytest.mark.parametrize("function", [tasks.note, tasks.add_later])
def test_a_task_waits_under_its_module_path_until_a_worker_takes_it(function: Any) -> None:
    result = function.enqueue(1, b=2)
    assert (result.status, result.is_finished, result.attempts) == (TaskResultStatus.READY, False, 0)
    assert (result.started_at, result.last_attempted_at, result.finished_at) == (None, None, None)
    assert (result.task, result.args, result.kwargs, result.backend) == (function, [1], {"b": 2}, "default")
    with pytest.raises(ValueError, match="Task has not finished yet"):
        _ = result.return_value
    (job,) = get_queue(QUEUE).jobs("waiting")
    assert (job.id, job.name, job.attempts) == (result.id, f"tests.testapp.tasks.{function.name}", 1)


def test_it_can_be_enqueued_from_async_code() -> None:
    result = async_to_sync(tasks.add.aenqueue)(1, b=2)
    run_jobs(QUEUE)
    async_to_sync(result.arefresh)()
    assert result.return_value == 3


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_enqueues_and_announces_nothing(announced: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        result = tasks.note.enqueue()
        1 / 0  # noqa: B018
    assert get_queue_stats(QUEUE).waiting == 0
    assert announced == []
    with pytest.raises(TaskResultDoesNotExist):
        result.refresh()


@pytest.mark.django_db(transaction=True)
def test_in_a_transaction_it_is_enqueued_and_announced_on_commit(announced: list[str]) -> None:
    with transaction.atomic():
        result = tasks.note.enqueue()
        assert (result.status, get_queue_stats(QUEUE).waiting, announced) == (TaskResultStatus.READY, 0, [])
    assert announced == [result.id]
    assert tasks.note.get_result(result.id) == result


def test_outside_of_a_transaction_it_is_announced_at_once(announced: list[str]) -> None:
    result = tasks.note.enqueue()
    assert announced == [result.id]


def test_a_receiver_that_raises_does_not_make_the_caller_enqueue_twice() -> None:
    def receiver(**kwargs: Any) -> None:
        raise RuntimeError("a broken receiver")

    task_enqueued.connect(receiver)
    try:
        tasks.note.enqueue()
    finally:
        task_enqueued.disconnect(receiver)
    assert get_queue_stats(QUEUE).waiting == 1


def test_a_higher_priority_runs_first(traces: Callable[[], list[str]]) -> None:
    for priority in (-100, 0, 100, 50):
        tasks.note.using(priority=priority).enqueue(priority)
    run_jobs(QUEUE)
    assert traces() == [f"note ({priority},) {{}}" for priority in (100, 50, 0, -100)]


@pytest.mark.parametrize("priority", [101, -101, 1.5])
def test_a_priority_out_of_range_is_refused(priority: Any) -> None:
    with pytest.raises(InvalidTask, match="priority must be a whole number between -100 and 100"):
        tasks.note.using(priority=priority)


def test_run_after_delays_the_task_and_stays_part_of_its_result() -> None:
    due = timezone.now() + timedelta(hours=1)
    result = tasks.note.using(run_after=due, priority=5).enqueue()
    assert run_jobs(QUEUE) == 0
    assert get_queue_stats(QUEUE).delayed == 1
    found = tasks.note.get_result(result.id)
    assert (found, found.status, found.task.run_after, found.task.priority) == (result, TaskResultStatus.READY, due, 5)
    (score,) = (score for _, score in get_queue(QUEUE).connection.zrange(f"rq:scheduled:{QUEUE}", 0, -1, withscores=True))
    assert score == pytest.approx(due.timestamp(), abs=5)


def test_run_after_in_the_past_is_now() -> None:
    tasks.note.using(run_after=timezone.now() - timedelta(days=1)).enqueue()
    assert run_jobs(QUEUE) == 1


def test_a_naive_run_after_is_refused() -> None:
    with pytest.raises(InvalidTask, match="run_after must be an aware datetime"):
        tasks.note.using(run_after=datetime(2030, 1, 1))


def test_run_after_more_than_a_year_ahead_is_refused() -> None:
    with pytest.raises(ValueError, match="delay must be at most"):
        tasks.note.using(run_after=timezone.now() + timedelta(days=400)).enqueue()
    assert get_queue_stats(QUEUE).delayed == 0


RUBBISH = [object(), {1, 2}, b"\xff", float("nan"), float("inf"), 2**64, {1: "a"}, "\ud800", timezone.now(), lambda: 1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", RUBBISH, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("atomic", [False, True])
def test_arguments_that_json_cannot_hold_are_refused_before_anything_is_enqueued(value: Any, atomic: bool) -> None:
    if atomic:
        with transaction.atomic(), pytest.raises((TypeError, ValueError)):
            tasks.note.enqueue(value)
    with pytest.raises((TypeError, ValueError)):
        tasks.note.enqueue(value=value)
    assert get_queue_stats(QUEUE).waiting == 0


def test_arguments_arrive_as_json_has_them() -> None:
    result = tasks.echo.enqueue({"pair": (1, 2), "bytes": b"abc", "deep": [None, True, 0.5, "ü"]})
    assert result.args == [{"pair": [1, 2], "bytes": "abc", "deep": [None, True, 0.5, "ü"]}]
    run_jobs(QUEUE)
    assert tasks.echo.get_result(result.id).return_value == result.args[0]


def test_a_queue_that_the_backend_may_not_use_is_refused() -> None:
    with pytest.raises(InvalidTask, match="Queue 'embeddings' is not valid for backend"):
        tasks.note.using(queue_name="embeddings")


def test_the_backend_is_asked_again_when_a_task_is_enqueued(settings) -> None:
    task = tasks.note.using(queue_name="email-sync")
    settings.TASKS = {"default": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": [QUEUE]}}
    with pytest.raises(InvalidTask, match="Queue 'email-sync' is not valid for backend"):
        task.enqueue()
    with pytest.raises(InvalidTask, match="Queue 'email-sync' is not valid for backend"):
        async_to_sync(task.aenqueue)()


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_rq_queues_lacks_is_refused_in_a_transaction_too(settings) -> None:
    settings.TASKS = {"default": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": ["nowhere"]}}
    with transaction.atomic(), pytest.raises(UnknownQueue, match="Unknown queue 'nowhere'"):
        tasks.note.using(queue_name="nowhere").enqueue()


def test_without_queues_the_backend_serves_all_of_rq_queues(settings) -> None:
    settings.TASKS = {"default": {"BACKEND": "queues.tasks.QueuesBackend", "QUEUES": []}}
    assert task_backends["default"].queues == set(settings.RQ_QUEUES)
    tasks.note.using(queue_name="embeddings").enqueue()
    assert get_queue_stats("embeddings").waiting == 1


def test_each_queue_gets_its_own() -> None:
    first, second = tasks.note.enqueue(), tasks.note.using(queue_name="email-sync").enqueue()
    assert get_queue(QUEUE).job_ids("waiting") == [first.id]
    assert get_queue("email-sync").job_ids("waiting") == [second.id]
    assert tasks.note.get_result(second.id) == second


def test_without_redis_it_raises_what_every_enqueue_raises(settings) -> None:
    settings.RQ_QUEUES = {QUEUE: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}}
    with pytest.raises(RedisUnavailable):
        tasks.note.enqueue()
