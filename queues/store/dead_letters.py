"""Dead letters: the failed jobs of a queue, to be looked through and retried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import scripts
from queues.store.connection import translated

if TYPE_CHECKING:
    from queues.store.queue import Queue

PART = 500


def find(queue: Queue, *, name: str | None = None, error_class: str | None = None) -> Iterator[Job]:
    """The failed jobs of this name and with an error of this class, newest first. Jobs that fail meanwhile may be missed."""
    ids = queue.job_ids(State.FAILED)
    for start in range(0, len(ids), PART):
        for job in queue.fetch(ids[start : start + PART]):
            if name in (None, job.name) and error_class in (None, job.error_class):
                yield job


def retry(queue: Queue, ids: list[str]) -> int:
    """Puts failed jobs back with their attempts reset, keeping their priority. Returns how many were failed and wait now."""
    count = 0
    with translated():
        for start in range(0, len(ids), PART):
            count += int(scripts.retry(queue.connection, queue.name, ids[start : start + PART]))
    return count
