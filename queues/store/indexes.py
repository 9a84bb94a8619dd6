"""The indexes by name, owner and error class: what RQ's own tools delete stays in them until it is swept out."""

from __future__ import annotations

import re

import redis

from queues.store import keys, scripts

PART = 500


def sweep(connection: redis.Redis, queue: str) -> int:
    """Removes the ids of jobs that are gone. Part by part, as it looks through all keys of the server. Returns how many."""
    pattern = re.sub(r"([\\*?\[\]])", r"\\\1", keys.index(queue, ""))
    return sum(_sweep(connection, key) for key in connection.scan_iter(f"{pattern}*", count=PART, _type="ZSET"))


def _sweep(connection: redis.Redis, key: bytes) -> int:
    removed, cursor = 0, 0
    while True:
        cursor, found = connection.zscan(key, cursor, count=PART)
        ids = [job_id for job_id, _ in found]
        for at in range(0, len(ids), PART):
            removed += int(scripts.sweep_index(connection, key, ids[at : at + PART]))
        if not cursor:
            return removed
