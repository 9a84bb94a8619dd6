"""Dead letters: the failed jobs of a queue, to be looked through, retried and removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

import orjson

from queues import signals
from queues.exceptions import JobCancelled
from queues.jobs.durations import Duration, in_seconds
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import scripts
from queues.store.connection import translated

if TYPE_CHECKING:
    from queues.store.queue import Queue

PART = 500


class Wanted(TypedDict, total=False):
    """The fields of Filter, as keywords."""

    name: str | None
    error_class: str | None
    older_than: Duration | None
    newer_than: Duration | None
    text: str | None
    owner: str | None


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which dead letters. Ages count from the end of the last run; `text` is looked for in the error and in the payload as JSON."""

    name: str | None = None
    error_class: str | None = None
    older_than: Duration | None = None
    newer_than: Duration | None = None
    text: str | None = None
    owner: str | None = None

    def fits(self, job: Job) -> bool:
        facts = ((self.name, job.name), (self.error_class, job.error_class), (self.owner, job.owner))
        if any(wanted not in (None, fact) for wanted, fact in facts):
            return False
        age = (datetime.now(UTC) - job.ended_at).total_seconds() if job.ended_at else 0.0
        if self.older_than is not None and age < in_seconds(self.older_than):
            return False
        if self.newer_than is not None and age > in_seconds(self.newer_than):
            return False
        return not self.text or self.text in job.error or self.text in orjson.dumps(job.data).decode()

    @property
    def fits_all(self) -> bool:
        return self == Filter()


def find(queue: Queue, wanted: Filter) -> Iterator[Job]:
    """The failed jobs that fit, newest first. Jobs that fail meanwhile may be missed."""
    ids = queue.job_ids(State.FAILED)
    for start in range(0, len(ids), PART):
        yield from filter(wanted.fits, queue.fetch(ids[start : start + PART]))


def find_ids(queue: Queue, wanted: Filter, limit: int = 0) -> list[str]:
    """The ids of the same; `limit` 0 is no limit."""
    if wanted.fits_all:
        return queue.job_ids(State.FAILED, 0, limit - 1)
    found: list[str] = []
    for job in find(queue, wanted):
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
