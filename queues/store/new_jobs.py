"""New jobs on their way to Redis, and the one call that takes many of them there."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import redis

from queues import signals
from queues.exceptions import JobIdTaken
from queues.jobs.job import Job
from queues.jobs.states import RQ_STATUS, State, from_rq_status
from queues.store import payloads, scripts
from queues.store.connection import translated
from queues.store.fields import rq_time
from queues.store.job_hash import by_name, job_of
from queues.store.queue import get_queue

MAX_PER_CALL = 1000
MAX_BYTES_PER_CALL = 16 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A validated job on its way to Redis. `delay_seconds` counts from its arrival there; `extra` are more fields of its hash.

    Raises InvalidPayload for what cannot be stored: said to who adds it, not when its transaction has committed.
    """

    job: Job
    timeout_seconds: int
    delay_seconds: float = 0.0
    dedupe: str = ""
    window_seconds: float = 0.0
    has_chosen_id: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data  # noqa: B018  # checks it too

    @cached_property
    def data(self) -> bytes:
        """The call as Redis has it."""
        return payloads.encode(self.job.name, self.job.data)

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
            "data": self.data,
            "name": job.name,
            "attempts": job.attempts,
            "priority": job.priority,
            **({"owner": job.owner} if job.owner else {}),
            **self.extra,
        }
        values = [part for pair in fields.items() for part in pair]
        chosen = "1" if self.has_chosen_id else ""
        head: list[str | int | float] = [
            job.queue,
            job.id,
            chosen,
            self.dedupe,
            self.window_seconds,
            self.delay_seconds,
            job.priority,
            job.owner,
        ]
        return [*head, len(values), *values]


def new_id() -> str:
    """32 hexadecimal digits that sort by time: where a sorted set has equal scores, Redis orders by id."""
    return f"{time.time_ns() // 1000:014x}{os.urandom(9).hex()}"


def send(new: Sequence[NewJob]) -> list[Job]:
    """Sends jobs now: one call per server, or per thousand jobs or 16 MiB. Returns them under the ids and in the states that they have in
    Redis.

    Raises RedisUnavailable, and JobIdTaken when all others are stored.
    """
    servers = {name: get_queue(name).connection for name in {item.job.queue for item in new}}
    by_server: dict[int, list[NewJob]] = defaultdict(list)
    for item in new:
        by_server[id(servers[item.job.queue])].append(item)
    stored: dict[str, Job | None] = {}
    for items in by_server.values():
        connection = servers[items[0].job.queue]
        for part in _parts(items):
            stored |= _send_part(connection, part)
    if taken := [item.job for item in new if stored[item.job.id] is None]:
        raise JobIdTaken(taken)
    return [job for item in new if (job := stored[item.job.id]) is not None]


def _parts(items: Sequence[NewJob]) -> Iterator[list[NewJob]]:
    """As many at once as bound how long Redis is held up, and what one call may weigh."""
    part: list[NewJob] = []
    size = 0
    for item in items:
        if part and (len(part) == MAX_PER_CALL or size + len(item.data) > MAX_BYTES_PER_CALL):
            yield part
            part, size = [], 0
        part.append(item)
        size += len(item.data)
    yield part


def _send_part(connection: redis.Redis, part: Sequence[NewJob]) -> dict[str, Job | None]:
    """The stored jobs by the ids that they were given here; None where the chosen id is another queue's."""
    with translated(f"Could not add jobs to {part[0].job.queue!r}"):
        answers = scripts.add(connection, [argument for item in part for argument in item.arguments()])
    stored: dict[str, Job | None] = {}
    is_heard = signals.added.has_listeners(Job)
    for item, (job_id, status, is_new, flat) in zip(part, answers, strict=True):
        if not is_new:
            found = by_name(dict(zip(flat[::2], flat[1::2], strict=True)))
            stored[item.job.id] = job_of(job_id.decode(), found) if found else None
            continue
        stored[item.job.id] = job = replace(item.job, state=from_rq_status(status.decode()))
        if is_heard:
            signals.added.send_robust(sender=Job, job=job)
    return stored
