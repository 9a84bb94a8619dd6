"""Looking through the jobs of one state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Unpack

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store.dead_letters import Filter, Wanted
from queues.store.queue import Queue

PART = 200


def find_jobs(queue: Queue, state: State, **wanted: Unpack[Wanted]) -> Iterator[Job]:
    """The jobs that fit (see dead_letters.Filter), in the order of Queue.jobs, read part by part as they are asked for.

    What changes meanwhile may be missed.
    """
    fits = Filter(**wanted).fits
    ids = queue.job_ids(state)
    for start in range(0, len(ids), PART):
        for job in queue.fetch(ids[start : start + PART]):
            if job.state is state and fits(job):
                yield job
