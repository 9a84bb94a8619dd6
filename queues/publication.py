"""What a database transaction publishes: its jobs leave on its commit, all in one call."""

from __future__ import annotations

import logging

from queues import signals
from queues.exceptions import JobIdTaken, QueuesError
from queues.jobs.job import Job
from queues.per_transaction import PerTransaction
from queues.store import new_jobs
from queues.store.new_jobs import NewJob

log = logging.getLogger("queues")

publication: PerTransaction[NewJob] = PerTransaction("jobs", lambda new, _: _publish(new))


def provisional_jobs() -> list[Job]:
    """The jobs that leave when the open transactions of this thread commit, in the order of their adding."""
    return [item.job for item in publication.pending()]


def _publish(new: list[NewJob]) -> None:
    try:
        new_jobs.send(new)
    except JobIdTaken as error:
        _report(error.jobs, error)
    except QueuesError as error:
        _report([item.job for item in new], error)


def _report(jobs: list[Job], error: QueuesError) -> None:
    names = ", ".join(sorted({job.name for job in jobs}))
    log.error("%d committed jobs (%s) did not reach Redis: %s", len(jobs), names, error)
    signals.publish_failed.send_robust(sender=Job, jobs=jobs, error=error)
