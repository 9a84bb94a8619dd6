"""The jobs of a queue by their state, as far as one asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import redis

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import keys
from queues.store.fields import text
from queues.store.job_hash import by_name, job_of
from queues.store.slices import in_slices

REGISTRIES: dict[State, Callable[[str], str]] = {
    State.COMPLETED: keys.completed,
    State.FAILED: keys.failed,
    State.DELAYED: keys.delayed,
}
"""The sorted sets of those that neither wait nor run."""


def job_ids(connection: redis.Redis, queue: str, state: State, start: int, end: int) -> list[str]:
    """See Queue.job_ids."""
    if state is State.PROVISIONAL:
        return []
    if state is State.WAITING:
        return _waiting_ids(connection, queue, start, end)
    if state is State.ACTIVE:
        members: Any = connection.zrange(keys.leases(queue), start, end)
        return [text(member).rpartition(":")[0] for member in members]
    found: Any = connection.zrange(REGISTRIES[state](queue), start, end, desc=state is not State.DELAYED)
    return [text(member) for member in found]


def fetch(connection: redis.Redis, ids: Iterable[str]) -> list[Job]:
    """The jobs that still exist, in the order of their ids."""
    found: list[Job] = []
    for part in in_slices(list(ids)):
        with connection.pipeline(transaction=False) as pipeline:
            for job_id in part:
                pipeline.hgetall(keys.job(job_id).encode(errors="replace"))
            hashes = pipeline.execute()
        found += parse(part, hashes)
    return found


def parse(ids: Iterable[str], hashes: Iterable[dict[bytes, bytes]]) -> list[Job]:
    """The jobs of these hashes, but for empty ones."""
    return [job_of(job_id, by_name(stored)) for job_id, stored in zip(ids, hashes, strict=True) if stored]


def _waiting_ids(connection: redis.Redis, queue: str, start: int, end: int) -> list[str]:
    """The urgent ones of the sorted set, then the list, then the others of the set; of a long queue only what was asked for is read."""
    prioritized, waiting = keys.prioritized(queue), keys.waiting(queue)
    with connection.pipeline() as pipeline:
        pipeline.zcount(prioritized, "-inf", "(0")
        pipeline.llen(waiting)
        pipeline.zcard(prioritized)
        urgent, plain, all_prioritized = pipeline.execute()
    total = plain + all_prioritized
    first = max(0, start + total if start < 0 else start)
    last = min(total - 1, end + total if end < 0 else end)
    with connection.pipeline() as pipeline:
        if first <= (high := min(last, urgent - 1)):
            pipeline.zrange(prioritized, first, high)
        if (low := max(first, urgent)) <= (high := min(last, urgent + plain - 1)):
            pipeline.lrange(waiting, low - urgent, high - urgent)
        if (low := max(first, urgent + plain)) <= last:
            pipeline.zrange(prioritized, low - plain, last - plain)
        return [text(job_id) for part in pipeline.execute() for job_id in part]
