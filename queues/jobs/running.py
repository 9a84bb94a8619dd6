"""What a job's function may ask and tell while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from queues.exceptions import QueuesError
from queues.jobs.job import Job

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


def report_progress(progress: Any) -> None:
    """Job.report_progress of the current job. Raises QueuesError outside of one."""
    _current().report_progress(progress)


def log(line: str) -> None:
    """Job.log of the current job. Raises QueuesError outside of one."""
    _current().log(line)


def _current() -> Job:
    job = current_job()
    if job is None:
        raise QueuesError("No job runs here. In a batch handler, use the item's own: item.report_progress(...), item.job.log(...).")
    return job
