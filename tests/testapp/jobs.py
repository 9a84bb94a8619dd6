"""Jobs of the test application. Each run leaves its trace in a Redis list, where tests and worker processes both see it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal

from django.db import connection
from pydantic import BaseModel, Field

from queues import Batch, NonRetryable, RetryLater, current_job, get_queue, job, log, report_progress

QUEUE = "notifications"
TRACE = "tests:trace"
RELEASED = "tests:released"


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


@job(name="mail", queue=QUEUE, owner="user_id")
def mail(*, user_id: int, subject: str) -> None:
    trace(f"mail {user_id} {subject}")


@job(name="picky", queue=QUEUE, retry_on=[ConnectionError], give_up_on=[ConnectionRefusedError], backoff=0.05)
def picky(*, error: str) -> None:
    trace(f"start {error}")
    raise {"reset": ConnectionResetError, "refused": ConnectionRefusedError, "value": ValueError}[error](error)


@job(name="tell", queue=QUEUE)
def tell(*, steps: int, seconds: float = 0.0) -> int:
    """Reports each step, which is where a cancellation strikes."""
    for step in range(steps):
        log(f"step {step}")
        report_progress(100 * (step + 1) / steps)
        time.sleep(seconds)
    found = current_job()
    trace(f"told {found.id if found else ''}")
    return steps


@job(name="spin", queue=QUEUE)
def spin(*, seconds: float) -> None:
    """Tells nothing: a cancellation can only interrupt it."""
    trace("start spin")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)
    trace("end spin")


@job(name="hold", queue=QUEUE)
def hold() -> None:
    """Runs until `release_held`."""
    trace("start hold")
    while not get_queue(QUEUE).connection.exists(RELEASED):
        time.sleep(0.05)
    trace("end hold")


def release_held() -> None:
    get_queue(QUEUE).connection.set(RELEASED, 1)


@job(name="tell-all", queue=QUEUE, batch=10)
def tell_all(batch: Batch[Greeting]) -> None:
    for item in batch:
        item.job.log(f"greeting {item.data.name}")
        item.report_progress({"step": 1, "of": item.data.name})
    trace(f"told {len(batch)}")


@job(name="isolated", queue=QUEUE, isolation="process", timeout=20)
def isolated(*, does: str = "return", seconds: float = 0.0) -> dict[str, int]:
    """Runs in a child of its worker, whose pid it notes and returns; ends as asked, most of them badly."""
    trace(f"{does} {os.getpid()}")
    time.sleep(seconds)
    match does:
        case "raise":
            raise Unpicklable("no luck", lock=threading.Lock())
        case "give up":
            raise NonRetryable("it will never work")
        case "later" if get_queue(QUEUE).connection.incr("tests:isolated:later") == 1:
            raise RetryLater(0.2, "the other side is busy")
        case "exit":
            os._exit(3)
        case "fork and exit":  # what was forked goes a way of its own and keeps the socket open
            if os.fork() == 0:
                os.setsid()
                time.sleep(10)
            os._exit(3)
        case "leave":
            sys.exit(4)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "query":
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        case "talk":
            print("the child says hello")  # noqa: T201
        case "scribble":
            for descriptor in range(3, 1024):
                with suppress(OSError):
                    os.write(descriptor, b"rubbish\n")
        case "no json":
            return {"pid": object()}  # type: ignore[dict-item]
    trace(f"end {does}")
    return {"pid": os.getpid()}


class Unpicklable(Exception):
    def __init__(self, text: str, *, lock: object) -> None:
        super().__init__(text)
        self.lock = lock


@job(name="isolated-hang", queue=QUEUE, isolation="process", timeout=1, attempts=1)
def isolated_hang(*, how: str) -> None:
    """Holds its process in a way that no exception reaches."""
    trace(f"hang {os.getpid()}")
    match how:
        case "loop":
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        case "sleep":
            time.sleep(1000)
        case "regular expression":
            re.match(r"(a+)+$", "a" * 60 + "b")
        case "grandchild":
            grandchild = subprocess.Popen(["sleep", "1000"])
            trace(f"hang {grandchild.pid}")
            grandchild.wait()


@job(name="isolated-work", queue=QUEUE, isolation="process", timeout=60)
def isolated_work(*, how: str) -> None:
    isolated_hang(how=how)


@job(name="isolated-batch", queue=QUEUE, isolation="process", batch=10)
def isolated_batch(batch: Batch[Greeting]) -> None:
    trace(f"batch {len(batch)} {os.getpid()}")
    for item in batch:
        if item.data.fails:
            item.fail(ValueError(f"{item.data.name} failed at {item.job.attempts_made}"))


@job(name="isolated-picky", queue=QUEUE, isolation="process", retry_on=[ConnectionError], backoff=0)
def isolated_picky(*, error: str) -> None:
    report_progress(50)
    picky(error=error)


@job(name="add", queue=QUEUE, attempts=2, backoff=0.05, timeout=77)
def add(first: int, second: int = 0) -> int:
    trace(f"add {first} {second}")
    if first < 0:
        raise ValueError("no negative numbers")
    return first + second


def bridge(first: int, second: int = 0) -> int:
    """Not a job: the tests list it in QUEUES_ALLOWED_FUNCTIONS."""
    trace(f"bridge {first} {second}")
    return first + second


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    token: str = ""


class Everything(BaseModel):
    """A field of each kind that a form is built for."""

    title: str = Field(description="What it is called.", min_length=2)
    count: int = 3
    ratio: float = 0.5
    is_urgent: bool = False
    color: Color = Color.RED
    size: Literal["small", "large"] | None = None
    day: date | None = None
    at: datetime | None = None
    tags: list[str] = []
    address: Address | None = None
    token: str = ""


@job(name="everything", queue=QUEUE)
def everything(payload: Everything) -> dict[str, Any]:
    return payload.model_dump(mode="json")


@job(name="fail-with-token", queue=QUEUE)
def fail_with_token(*, name: str, token: str) -> None:
    raise ValueError(f"no luck with {token!r}")
