"""RQ's Job as `RQ["JOB_CLASS"]`: for django-rq's and RQ's own tools. Ours is `queues.Job`."""

from __future__ import annotations

from rq.job import Job


class RQJob(Job):
    """Reads and writes the same hashes; fields that RQ does not know survive its saves."""
