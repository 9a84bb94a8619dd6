"""The function that a stored job names: a stock RQ worker calls it and so does what ours would do."""

from __future__ import annotations

from typing import Any

from rq.job import get_current_job

from queues.jobs.job import Job
from queues.jobs.registry import registry
from queues.jobs.running import running


def run(name: str, /, **payload: Any) -> Any:
    """Runs the registered job `name` once, here; in a stock worker progress and logs are stored as ours stores them.

    Raises UnknownJob or InvalidPayload before anything runs.
    """
    definition = registry.get(name)
    found = get_current_job()
    if found is None:
        return definition.call(payload)
    job = Job(id=found.id, name=name, queue=found.origin).refresh
    with running(job):
        return definition.call(payload, job)
