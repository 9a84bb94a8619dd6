"""Deleting what ended long ago, and what has not begun."""

from __future__ import annotations

from collections.abc import Sequence

import redis

from queues.jobs.states import ENDED, State
from queues.store import scripts
from queues.store.listing import REGISTRIES
from queues.store.slices import SLICE


def clean(
    connection: redis.Redis, queue: str, older_than_seconds: float, states: Sequence[State | str], limit: int, *, dry_run: bool
) -> int:
    """See Queue.clean."""
    wanted = [State(state) for state in states]
    if wrong := [state for state in wanted if state not in ENDED]:
        raise ValueError(f"Only completed and failed jobs have an end to be older than, not {', '.join(wrong)}.")
    removed = 0
    for state in wanted:
        room = limit - removed if limit else -1
        if room:
            removed += _clean_registry(connection, REGISTRIES[state](queue), older_than_seconds, room, dry_run)
    return removed


def _clean_registry(connection: redis.Redis, registry: str, older_than_seconds: float, room: int, dry_run: bool) -> int:
    """`room` is how many at most, negative for no limit."""
    if dry_run:
        count = int(scripts.clean(connection, registry, older_than_seconds, 0, 1)[0])
        return count if room < 0 else min(count, room)
    removed = 0
    while room < 0 or removed < room:
        part = SLICE if room < 0 else min(SLICE, room - removed)
        count, looked = scripts.clean(connection, registry, older_than_seconds, part, 0)
        removed += count
        if looked < part:
            break
    return removed


def drain(connection: redis.Redis, queue: str, *, delayed: bool) -> int:
    """See Queue.drain."""
    removed = 0
    while count := int(scripts.drain(connection, queue, SLICE, "1" if delayed else "")):
        removed += count
    return removed
