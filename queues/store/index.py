"""The index of jobs by name, owner and error class: kept by the scripts as jobs come and go, mended here where they had no part in it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import redis

from queues.jobs.states import State
from queues.store import keys, listing, scripts

PART = 1000
"""Jobs that one call looks at: bounds how long Redis is held up."""
MOST = 20_000
"""Jobs of one state, or entries of one key, that one mending looks at; of more, so many from a place by chance on, until all were met."""
KEYS = 100
SCANNED = 1000


def fill(connection: redis.Redis, queue: str) -> int:
    """Indexes the queue's jobs that are not: those from before the index, and plain RQ's. Returns how many."""
    return sum(_fill(connection, queue, state) for state in (State.FAILED, State.WAITING, State.DELAYED, State.COMPLETED))


def prune(connection: redis.Redis) -> int:
    """Drops the entries of jobs that are gone or have changed, of all queues of a server. Returns how many."""
    found = 0
    for some in _index_keys(connection):
        with connection.pipeline(transaction=False) as pipeline:
            for key in some:
                pipeline.zcard(key)
            sizes = dict(zip(some, pipeline.execute(raise_on_error=False), strict=True))
        small = [key for key, size in sizes.items() if isinstance(size, int) and size <= PART // KEYS]
        if small:
            found += int(scripts.unindex(connection, 0, PART // KEYS, small))
        for key, size in sizes.items():
            if isinstance(size, int) and key not in small:
                found += _prune(connection, key, size)
    return found


def _fill(connection: redis.Redis, queue: str, state: State) -> int:
    parts = _parts(_size(connection, queue, state))
    return sum(int(scripts.index(connection, queue, listing.job_ids(connection, queue, state, first, last))) for first, last in parts)


def _prune(connection: redis.Redis, key: bytes, size: int) -> int:
    """From the end on, so that what is dropped moves nothing that is still to be looked at."""
    return sum(int(scripts.unindex(connection, first, last, [key])) for first, last in reversed(_parts(size)))


def _parts(size: int) -> list[tuple[int, int]]:
    """The first and the last place of each part to look at, of so many."""
    start = random.randint(0, max(0, size - MOST))  # noqa: S311  # no secret
    end = min(size, start + MOST)
    return [(first, min(first + PART, end) - 1) for first in range(start, end, PART)]


def _size(connection: redis.Redis, queue: str, state: State) -> int:
    if state is State.WAITING:
        return int(connection.llen(keys.waiting(queue))) + int(connection.zcard(keys.prioritized(queue)))
    return int(connection.zcard(listing.REGISTRIES[state](queue)))


def _index_keys(connection: redis.Redis) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    for key in connection.scan_iter(match=f"{keys.PREFIX}:ext:*:by:*", count=SCANNED):
        part.append(key)
        if len(part) == KEYS:
            yield part
            part = []
    if part:
        yield part
