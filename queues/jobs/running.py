"""What a job's function may ask and tell while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import orjson

from queues import signals
from queues.exceptions import JobCancelled, QueuesError
from queues.jobs.job import Job

MAX_PROGRESS_BYTES = 65_536
MAX_LINE_CHARACTERS = 10_000

_running: ContextVar[Callable[[], Job] | None] = ContextVar("queues_running", default=None)


@contextmanager
def running(job: Callable[[], Job]) -> Iterator[None]:
    """Makes `job()`, which is only asked for when needed, the current one of this thread or task."""
    token = _running.set(job)
    try:
        yield
    finally:
        _running.reset(token)


def current_job() -> Job | None:
    """The job that runs here; None outside of one, and in a batch handler, whose items have a job each."""
    job = _running.get()
    return job() if job else None


def report_progress(progress: Any, job: Job | None = None) -> None:
    """Says how far the current job is: a percentage, or any JSON. Readable at once as `job.progress`.

    Raises JobCancelled where the job is to stop, QueuesError outside of a job, ValueError for what is no JSON or longer than 64 KiB of
    it, RedisUnavailable.
    """
    found = job or _current()
    try:
        text = orjson.dumps(progress)
    except TypeError as error:
        raise ValueError(f"progress must be JSON: {error}") from error
    if len(text) > MAX_PROGRESS_BYTES:
        raise ValueError(f"progress must be at most {MAX_PROGRESS_BYTES} bytes of JSON, not {len(text)}")
    _note(found, "progress", text)
    signals.progressed.send_robust(sender=Job, job=replace(found, progress=progress), progress=progress)


def log(line: str, job: Job | None = None) -> None:
    """Appends a line to the current job's log, cut at 10,000 characters. Raises as report_progress does."""
    found = job or _current()
    _note(found, "log", line[:MAX_LINE_CHARACTERS].encode("utf-8", "replace"))


def _current() -> Job:
    job = current_job()
    if job is None:
        raise QueuesError("No job runs here. In a batch handler, use the item's own: item.report_progress(...), item.job.log(...).")
    return job


def _note(job: Job, what: str, text: bytes) -> None:
    from queues.store.queue import get_queue

    if get_queue(job.queue).note(job.id, what, text):
        raise JobCancelled("it was cancelled while it ran")
