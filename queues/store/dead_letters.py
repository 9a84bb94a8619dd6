"""Dead letters: the failed jobs of a queue, to be looked through."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from queues.jobs.states import State
from queues.store.search import Filter, find_jobs

if TYPE_CHECKING:
    from queues.store.queue import Queue


def find_ids(queue: Queue, wanted: Filter, limit: int = 0) -> list[str]:
    """The ids of the failed jobs that fit, newest first; `limit` 0 is no limit."""
    if wanted.fits_all:
        return queue.job_ids(State.FAILED, 0, limit - 1)
    return [job.id for job in islice(find_jobs(queue, State.FAILED, wanted), limit or None)]
