"""Looking through the jobs of one state."""

from __future__ import annotations

from collections.abc import Iterator

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store.dead_letters import Filter
from queues.store.queue import Queue

PART = 200


def find_jobs(
    queue: Queue,
    state: State,
    *,
    name: str | None = None,
    owner: str | None = None,
    error_class: str | None = None,
    text: str | None = None,
) -> Iterator[Job]:
    """The jobs that fit, in the order of Queue.jobs, read part by part as they are asked for. What changes meanwhile may be missed."""
    wanted = Filter(name=name, owner=owner, error_class=error_class, text=text)
    ids = queue.job_ids(state)
    for start in range(0, len(ids), PART):
        for job in queue.fetch(ids[start : start + PART]):
            if job.state is state and wanted.fits(job):
                yield job
