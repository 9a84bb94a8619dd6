"""Jobs of the test application. Each run leaves its trace in a Redis list, where tests and worker processes both see it."""

import time
from typing import Any

from pydantic import BaseModel

from queues import Batch, NonRetryable, RetryLater, get_queue, job

QUEUE = "notifications"
TRACE = "tests:trace"


def trace(text: str) -> None:
    get_queue(QUEUE).connection.rpush(TRACE, f"{time.time():.6f} {text}")


class Greeting(BaseModel):
    name: str
    seconds: float = 0.0
    fails: int = 0


@job(name="greet", queue=QUEUE)
def greet(*, name: str, seconds: float = 0.0) -> str:
    trace(f"start {name}")
    time.sleep(seconds)
    trace(f"end {name}")
    return f"hello {name}"


@job(name="fail", queue=QUEUE)
def fail(*, name: str) -> None:
    trace(f"start {name}")
    raise ValueError(f"no luck with {name}")


@job(name="give-up", queue=QUEUE)
def give_up(*, name: str) -> None:
    trace(f"start {name}")
    raise NonRetryable("it will never work")


@job(name="later-once", queue=QUEUE)
def later_once(*, name: str) -> None:
    trace(f"start {name}")
    if get_queue(QUEUE).connection.incr(f"tests:later:{name}") == 1:
        raise RetryLater(0.2, "the other side is busy")


@job(name="pause-long", queue=QUEUE)
def pause_long(*, name: str) -> None:
    trace(f"start {name}")
    raise RetryLater(60, "come back in a minute")


@job(name="oversleep", queue=QUEUE, timeout=1, attempts=1)
def oversleep(*, name: str) -> None:
    trace(f"start {name}")
    for _ in range(100):
        time.sleep(0.05)


@job(name="greet-model", queue=QUEUE)
def greet_model(greeting: Greeting) -> dict[str, Any]:
    return {"greeted": greeting.name}


@job(name="greet-all", queue=QUEUE, batch=10)
def greet_all(batch: Batch[Greeting]) -> None:
    trace(f"batch {len(batch)} {','.join(sorted(item.data.name for item in batch))}")
    for item in batch:
        time.sleep(item.data.seconds)
        if item.job.attempts_made < item.data.fails:
            item.fail(ValueError(f"{item.data.name} failed"))


def unregistered(path: str) -> None:
    """Not a job: a queue entry that names it must be refused."""
    with open(path, "w") as file:
        file.write("the function ran")
