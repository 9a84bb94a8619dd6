"""How jobs reach Redis: at once, or with the transaction that they belong to."""

from __future__ import annotations

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from queues import signals
from queues.exceptions import QueuesError, WrongQueue
from queues.jobs.backoff import check_delay
from queues.jobs.job import Job
from queues.jobs.registry import registry
from queues.jobs.states import RQ_STATUS, State
from queues.store import payloads, scripts
from queues.store.connection import translated
from queues.store.fields import rq_time
from queues.store.queue import get_queue

log = logging.getLogger("queues")

Dedupe = str | Callable[[Mapping[str, Any]], str | None] | None
PRIORITY_LIMIT = 2097151
MAX_PER_CALL = 1000


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A validated job on its way to Redis. `delay_seconds` counts from its arrival there."""

    job: Job
    timeout_seconds: int
    delay_seconds: float = 0.0
    dedupe: str = ""

    def arguments(self) -> list[str | bytes | int | float]:
        """The job as add.lua reads it."""
        job = self.job
        moment = rq_time(time.time())
        fields: dict[str, str | bytes | int] = {
            "created_at": moment,
            "enqueued_at": moment,
            "origin": job.queue,
            "timeout": self.timeout_seconds,
            "status": RQ_STATUS[State.WAITING],
            "description": job.name,
            "data": payloads.encode(job.name, job.data),
            "name": job.name,
            "attempts": job.attempts,
            "priority": job.priority,
        }
        values = [part for pair in fields.items() for part in pair]
        return [job.queue, job.id, self.dedupe, self.delay_seconds, job.priority, len(values), *values]


def add_job(
    queue: str,
    name: str,
    data: Mapping[str, Any],
    *,
    delay: float | None = None,
    priority: int = 0,
    dedupe: Dedupe = None,
    using: str | None = None,
) -> Job:
    """Adds one job and returns it with its id: see add_jobs."""
    return add_jobs(queue, [(name, data)], delay=delay, priority=priority, dedupe=dedupe, using=using)[0]


def add_jobs(
    queue: str,
    jobs: Iterable[tuple[str, Mapping[str, Any]]],
    *,
    delay: float | None = None,
    priority: int = 0,
    dedupe: Dedupe = None,
    using: str | None = None,
) -> list[Job]:
    """Adds jobs in one round trip, all or none.

    Inside a transaction of the database alias `using` they are provisional and leave on its commit, all jobs of the
    transaction in one call; Redis being away then is logged and sent as `publish_failed`, never raised.
    `delay` is in seconds; a lower `priority` runs first; while a waiting or delayed job holds the `dedupe` key
    (a string, or a function of the payload), that one is kept instead.
    Raises ValueError (delay or priority out of range), UnknownQueue, UnknownJob, WrongQueue, InvalidPayload before
    anything reaches Redis; outside of a transaction also RedisUnavailable.
    """
    get_queue(queue)
    if not -PRIORITY_LIMIT <= priority <= PRIORITY_LIMIT:
        raise ValueError(f"priority must be from {-PRIORITY_LIMIT} to {PRIORITY_LIMIT}, not {priority}")
    wait = check_delay(delay)
    new = [_validated(queue, name, data, delay=wait, priority=priority, dedupe=dedupe) for name, data in jobs]
    return deliver(new, using=using) if new else []


def deliver(new: list[NewJob], *, using: str | None = None) -> list[Job]:
    """Sends validated jobs at once, or with the open transaction of `using`: see add_jobs. Raises RedisUnavailable."""
    connection = transaction.get_connection(using)
    if connection.in_atomic_block:
        _Publication.of(connection).add(connection, new)
        return [item.job for item in new]
    with translated(f"Could not add jobs to {new[0].job.queue!r}"):
        return send(new)


def send(new: list[NewJob]) -> list[Job]:
    """Sends jobs now: one call per server, or per thousand jobs. Returns them under the ids that they have in Redis."""
    by_server: dict[int, list[NewJob]] = defaultdict(list)
    for item in new:
        by_server[id(get_queue(item.job.queue).connection)].append(item)
    ids: dict[str, str] = {}
    for items in by_server.values():
        connection = get_queue(items[0].job.queue).connection
        for at in range(0, len(items), MAX_PER_CALL):
            part = items[at : at + MAX_PER_CALL]
            answer = scripts.add(connection, [argument for item in part for argument in item.arguments()])
            ids |= {item.job.id: stored.decode() for item, stored in zip(part, answer, strict=True)}
    return [replace(item.job, id=ids[item.job.id], state=State.DELAYED if item.delay_seconds > 0 else State.WAITING) for item in new]


def _validated(queue: str, name: str, data: Mapping[str, Any], *, delay: float, priority: int, dedupe: Dedupe) -> NewJob:
    definition = registry.get(name)
    if definition.queue != queue:
        raise WrongQueue(f"The job {name!r} belongs to the queue {definition.queue!r}, not to {queue!r}.")
    payload = definition.validate(data).model_dump(mode="json")
    key = dedupe(payload) if callable(dedupe) else dedupe
    job = Job(
        id=os.urandom(16).hex(),
        name=name,
        queue=queue,
        data=payload,
        state=State.PROVISIONAL,
        priority=priority,
        attempts=definition.attempts,
    )
    return NewJob(job=job, timeout_seconds=definition.timeout_seconds, delay_seconds=delay, dedupe=key or "")


class _Publication:
    """What one transaction will publish.

    Every group of jobs is handed over by a commit hook that belongs to its savepoint, so that a rolled-back savepoint
    drops only its own. A flush behind each group belongs to no savepoint; only the last one registered sends.
    """

    def __init__(self) -> None:
        self.committed: list[NewJob] = []
        self.flush: Callable[[], None] | None = None

    @classmethod
    def of(cls, connection: BaseDatabaseWrapper) -> _Publication:
        """The open transaction's. A commit hook that opens a transaction of its own gets another: its hooks run apart."""
        publication: _Publication | None = getattr(connection, "_queues_publication", None)
        if publication is None or not any(hook[1] is publication.flush for hook in reversed(connection.run_on_commit)):
            publication = connection._queues_publication = cls()  # type: ignore[attr-defined]
        return publication

    def add(self, connection: BaseDatabaseWrapper, new: list[NewJob]) -> None:
        connection.on_commit(lambda: self.committed.extend(new), robust=True)
        self.flush = flush = self._flush_once()
        connection.run_on_commit.append((set(), flush, True))  # type: ignore[arg-type]  # the stubs lack `robust`

    def _flush_once(self) -> Callable[[], None]:
        def flush() -> None:
            if self.flush is flush:
                jobs, self.committed = self.committed, []
                if jobs:
                    _publish(jobs)

        return flush


def _publish(new: list[NewJob]) -> None:
    try:
        with translated():
            send(new)
    except QueuesError as error:
        names = ", ".join(sorted({item.job.name for item in new}))
        log.error("%d committed jobs (%s) did not reach Redis: %s", len(new), names, error)
        signals.publish_failed.send_robust(sender=Job, jobs=[item.job for item in new], error=error)
