"""Django's tasks of the test application, run by our worker. They leave the same traces as its jobs."""

import time
from typing import Any

from queues import RetryLater, get_queue
from queues.tasks.interface import TaskContext
from tests.testapp.jobs import QUEUE, trace

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task


@task(queue_name=QUEUE)
def add(a: int, b: int = 1) -> int:
    trace(f"add {a} {b}")
    return a + b


@task(queue_name=QUEUE)
async def add_later(a: int, b: int) -> int:
    return a + b


@task(queue_name=QUEUE)
def note(*args: Any, **kwargs: Any) -> None:
    trace(f"note {args} {kwargs}")


@task(queue_name=QUEUE)
def echo(value: Any) -> Any:
    return value


@task(queue_name=QUEUE)
def sleep(seconds: float) -> str:
    trace("sleep")
    time.sleep(seconds)
    return "rested"


@task(queue_name=QUEUE)
def fail(text: str = "no luck") -> None:
    raise ValueError(text)


class Puzzle(Exception):
    """An exception that is not built in, of an exception."""


@task(queue_name=QUEUE)
def puzzle() -> None:
    raise Puzzle(ValueError("inside"))


@task(queue_name=QUEUE)
def leave() -> None:
    raise SystemExit("this task leaves")


@task(queue_name=QUEUE, backend="patient")
def fail_once(name: str) -> str:
    trace(f"try {name}")
    if get_queue(QUEUE).connection.incr(f"tests:fail-once:{name}") == 1:
        raise ValueError("not at once")
    return name


@task(queue_name=QUEUE, backend="patient")
def oversleep() -> None:
    for _ in range(100):
        time.sleep(0.05)


@task(queue_name=QUEUE)
def later_once(name: str) -> str:
    if get_queue(QUEUE).connection.incr(f"tests:later-once:{name}") == 1:
        raise RetryLater(0.1, "the other side is busy")
    return name


@task(queue_name=QUEUE)
def unserializable() -> Any:
    return object()


@task(queue_name=QUEUE)
def infinite() -> list[float]:
    return [float("inf")]


@task(queue_name=QUEUE, takes_context=True)
def who_am_i(context: TaskContext, word: str) -> list[Any]:
    return [context.task_result.id, context.attempt, context.task_result.status, word]


@task(queue_name=QUEUE, backend="patient", takes_context=True)
def attempts_until_two(context: TaskContext) -> int:
    if context.attempt < 2:
        raise ValueError("once more")
    return context.attempt


def no_task(path: str) -> None:
    """Not a task: a queue entry that names it must be refused."""
    with open(path, "w") as file:
        file.write("the function ran")
