"""Jobs that run where they are enqueued."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from queues import publication
from queues.jobs.job import Job
from queues.per_transaction import PerTransaction
from queues.store import new_jobs
from queues.store.new_jobs import NewJob
from queues.store.new_jobs import send as enqueue
from queues.testing.memory import memory_queues
from queues.testing.running import run_jobs


@contextmanager
def eager_jobs(*, propagate: bool = True) -> Iterator[None]:
    """In this block enqueueing a job runs it: at once, in a transaction on its commit, in the thread that enqueues or commits.

    On queues in memory, empty at first, with everything between `add_job` and the job's function as it is: validation,
    JSON, priorities, deduplication, batches, signals. Delays are not waited for; RetryLater runs the job again. What a job
    enqueues itself runs when it has ended, not inside it. A job that fails is dead without a retry, and the first error is
    raised to the caller when all have run, out of a commit too; without `propagate` it is retried, and its error
    is that of the dead letter. Raises PackageMissing; EndlessJobs to the caller.
    """
    thread = threading.local()

    def send(new: list[NewJob]) -> list[Job]:
        jobs = enqueue(new)
        if not getattr(thread, "is_running", False):
            thread.is_running = True
            try:
                run_jobs(delayed=True, propagate=propagate)
            finally:
                thread.is_running = False
        return jobs

    with (
        memory_queues(),
        patch.object(new_jobs, "send", send),
        patch.object(publication, "_publish", send),
        patch.object(PerTransaction, "is_robust", False),
    ):
        yield
