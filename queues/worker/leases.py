"""Leases: kept for what runs here, taken back from workers that are gone."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import redis

from queues import signals
from queues.conf import settings
from queues.exceptions import JobCancelled, JobStalled, QueuesError
from queues.jobs.job import Job
from queues.plain import plain_line
from queues.store import keys, scripts
from queues.store.fields import rq_time
from queues.store.queue import get_queue
from queues.store.slices import in_slices
from queues.worker.claims import Claim

log = logging.getLogger("queues.worker")

VISIBLE_AFTER_SECONDS = 1.0
REAP_SECONDS = 10


def renew(connection: redis.Redis, worker: str, claims: Iterable[Claim]) -> list[str]:
    """Extends the leases still held, and returns the ids of jobs that are to be cancelled, which the worker may not have been told.

    Runs older than a second also become visible to stock tools.
    """
    by_queue: dict[str, list[Claim]] = {}
    for claim in claims:
        by_queue.setdefault(claim.queue, []).append(claim)
    now = time.time()
    cancelled: list[str] = []
    for queue, held in by_queue.items():
        for part in in_slices(held):
            leases: list[str | float] = []
            for claim in part:
                leases += [claim.id, claim.execution, claim.claimed_at if now - claim.claimed_at > VISIBLE_AFTER_SECONDS else ""]
            found = scripts.renew(connection, worker, queue, settings.lease_seconds, rq_time(now), leases)
            cancelled += [job_id.decode() for job_id in found]
    return cancelled


class Reaper:
    """Takes back stale leases, one worker at a time for each queue, and none while Redis has just come up, or served again after it
    did not: the living renew first.

    `tell` calls what sends the signals, by default here and now.
    """

    def __init__(self, queues: Sequence[str], tell: Callable[[Callable[[], object]], object] = lambda call: call()) -> None:
        self.queues = queues
        self.tell = tell
        self.server_run = ""
        self.quiet_until = 0.0

    def rest(self) -> None:
        """Redis did not serve: leases may have run out that nobody could renew."""
        self.quiet_until = time.monotonic() + settings.lease_seconds

    def reap(self, connection: redis.Redis) -> None:
        server: Any = connection.info("server")
        now = time.monotonic()
        if server["run_id"] != self.server_run:
            if self.server_run:
                self.rest()
            self.server_run = server["run_id"]
        young = server["uptime_in_seconds"] < settings.lease_seconds
        if young or now < self.quiet_until:
            return
        for name in self.queues:
            if connection.set(keys.reaper_lock(name), 1, nx=True, px=REAP_SECONDS * 900):
                self._reap_queue(connection, name)

    def _reap_queue(self, connection: redis.Redis, name: str) -> None:
        queue = get_queue(name)
        reason = JobStalled(f"its worker disappeared more than {settings.stall_limit} times")
        ended = rq_time(time.time())
        flat = scripts.reap(connection, name, settings.stall_limit, str(queue.keep_failed), f"JobStalled: {reason}", "JobStalled", ended)
        died = {job_id.decode(): cause.decode() for job_id, cause in zip(flat[::2], flat[1::2], strict=True)}
        for job in queue.fetch(died):
            log.warning(
                "Job %s (%s) of %s stalled%s", job.id, plain_line(job.name), name, ": dead" if died[job.id] else ": back to the front"
            )
            self.tell(functools.partial(_send, job, _cause(died[job.id], reason)))


def _cause(error_class: str, stalled: JobStalled) -> QueuesError | None:
    """Why a job died, None where it did not."""
    if error_class == "JobCancelled":
        return JobCancelled("it was cancelled, and its worker disappeared")
    return stalled if error_class else None


def _send(job: Job, cause: QueuesError | None) -> None:
    signals.stalled.send_robust(sender=Job, job=job)
    if cause is not None:
        signals.dead.send_robust(sender=Job, job=job, error=cause)
