"""Jobs whose every run appends a line to a file, which no failure of Redis can lose: job, process, what became of the run."""

import os
import time
from pathlib import Path

from pydantic import BaseModel

from queues import Batch, RetryLater, current_job, job

QUEUE = "notifications"
FOLDER = "CHAOS_FOLDER"
TRACE = "trace"


class Note(BaseModel):
    number: int


def folder() -> Path:
    return Path(os.environ[FOLDER])


def trace(job_id: str, ending: str) -> None:
    with (folder() / TRACE).open("a") as file:
        file.write(f"{job_id} {os.getpid()} {ending}\n")


def current_id() -> str:
    found = current_job()
    assert found is not None
    return found.id


@job(name="chaos-plain", queue=QUEUE)
def plain(*, number: int, seconds: float = 0.0) -> None:
    time.sleep(seconds)
    trace(current_id(), "done")


@job(name="chaos-owned", queue=QUEUE, owner="user_id")
def owned(*, number: int, user_id: int) -> None:
    trace(current_id(), "done")


@job(name="chaos-fails-once", queue=QUEUE, backoff=0.5)
def fails_once(*, number: int) -> None:
    found = current_job()
    assert found is not None
    if found.attempts_made == 0:
        trace(found.id, "failed")
        raise ValueError("once")
    trace(found.id, "done")


@job(name="chaos-later-once", queue=QUEUE)
def later_once(*, number: int) -> None:
    mark = folder() / f"later-{current_id()}"
    if not mark.exists():
        mark.touch()
        trace(current_id(), "later")
        raise RetryLater(0.3)
    trace(current_id(), "done")


@job(name="chaos-batch", queue=QUEUE, batch=20)
def batch(batch: Batch[Note]) -> None:
    for item in batch:
        trace(item.job.id, "done")
