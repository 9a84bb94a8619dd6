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
from queues.store import keys, scripts
from queues.store.fields import rq_time
from queues.store.keys import PREFIX
from queues.store.queue import get_queue
from queues.worker.claims import Claim

log = logging.getLogger("queues.worker")

VISIBLE_AFTER_SECONDS = 1.0
WIP_SECONDS = 86400
REAP_SECONDS = 10


def renew(connection: redis.Redis, worker: str, claims: Iterable[Claim]) -> None:
    """Extends the leases still held, in one call; runs older than a second also become visible to stock tools."""
    by_queue: dict[str, list[Claim]] = {}
    for claim in claims:
        by_queue.setdefault(claim.queue, []).append(claim)
    if not by_queue:
        return
    seconds: Any = connection.time()
    until = seconds[0] + seconds[1] / 1e6 + settings.lease_seconds
    with connection.pipeline(transaction=False) as pipeline:
        for queue, held in by_queue.items():
            pipeline.zadd(keys.leases(queue), {claim.member: until for claim in held}, xx=True)
            for claim in held:
                if time.time() - claim.claimed_at > VISIBLE_AFTER_SECONDS:
                    _show(pipeline, worker, claim)
        pipeline.execute()


def _show(pipeline: Any, worker: str, claim: Claim) -> None:
    """The execution as RQ writes it. Its `wip` score is a day ahead: RQ fails what it finds overdue there."""
    now = time.time()
    key = f"{PREFIX}:execution:{claim.member}"
    execution = {"id": claim.execution, "job_id": claim.id, "created_at": claim.claimed_at, "last_heartbeat": now, "worker_name": worker}
    pipeline.hset(key, mapping=execution)
    pipeline.expire(key, settings.lease_seconds * 2)
    pipeline.zadd(f"{PREFIX}:executions:{claim.id}", {claim.execution: now + settings.lease_seconds * 2})
    pipeline.zadd(f"{PREFIX}:wip:{claim.queue}", {claim.member: now + WIP_SECONDS})
    pipeline.sadd(f"{PREFIX}:worker:{worker}:executions", claim.member)
    pipeline.eval(_TOUCH, 1, keys.job(claim.id), rq_time(now))


_TOUCH = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'last_heartbeat', ARGV[1]) end"


class Reaper:
    """Takes back stale leases, one worker at a time for each queue, and none while Redis has just come up: the living renew first.

    `tell` calls what sends the signals, by default here and now.
    """

    def __init__(self, queues: Sequence[str], tell: Callable[[Callable[[], object]], object] = lambda call: call()) -> None:
        self.queues = queues
        self.tell = tell
        self.server_run = ""
        self.quiet_until = 0.0

    def reap(self, connection: redis.Redis) -> None:
        server: Any = connection.info("server")
        now = time.monotonic()
        if server["run_id"] != self.server_run:
            self.quiet_until = now + settings.lease_seconds if self.server_run else 0.0
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
            log.warning("Job %s (%s) of %s stalled%s", job.id, job.name, name, ": dead" if died[job.id] else ": back to the front")
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
