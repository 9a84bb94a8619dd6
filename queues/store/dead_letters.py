"""Dead letters: the failed jobs of a queue, to be looked through, retried and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queues import signals
from queues.exceptions import JobCancelled
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import scripts
from queues.store.connection import translated
from queues.store.search import Filter, find_jobs

if TYPE_CHECKING:
    from queues.store.queue import Queue

PART = 500


def find_ids(queue: Queue, wanted: Filter, limit: int = 0) -> list[str]:
    """The ids of the failed jobs that fit, newest first; `limit` 0 is no limit."""
    if wanted.fits_all:
        return queue.job_ids(State.FAILED, 0, limit - 1)
    found: list[str] = []
    for job in find_jobs(queue, State.FAILED, wanted):
        found.append(job.id)
        if len(found) == limit:
            break
    return found


def retry(queue: Queue, ids: list[str]) -> int:
    """Puts failed jobs back with their attempts reset, keeping their priority. Returns how many were failed and wait now."""
    return _in_parts(scripts.retry, queue, ids)


def remove(queue: Queue, ids: list[str]) -> int:
    """Deletes them. Returns how many there were."""
    return _in_parts(scripts.remove, queue, ids)


def _in_parts(script: scripts.Script, queue: Queue, ids: list[str]) -> int:
    with translated():
        return sum(int(script(queue.connection, queue.name, ids[start : start + PART])) for start in range(0, len(ids), PART))


def announce_cancelled(queue: Queue, job_id: str, was: State) -> State:
    """Sends `dead` for a job that was cancelled before it ran; a running one's worker does it."""
    if was is not State.ACTIVE and signals.dead.has_listeners(Job) and (job := queue.find(job_id)):
        signals.dead.send_robust(sender=Job, job=job, error=JobCancelled("it was cancelled before it ran"))
    return was
