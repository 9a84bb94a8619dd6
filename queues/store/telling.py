"""What a running job tells: how far it is, and lines of its log."""

from __future__ import annotations

from typing import Any

import redis

from queues.store import keys, scripts
from queues.store.fields import text

LOG_LINES = 1000
LOG_SECONDS = 30 * 86400
CANCELLED = 2


def note(connection: redis.Redis, job_id: str, what: str, told: bytes) -> bool:
    """See Queue.note."""
    return int(scripts.note(connection, job_id, what, told, LOG_LINES, LOG_SECONDS)) == CANCELLED


def log_lines(connection: redis.Redis, job_id: str, start: int, end: int) -> list[str]:
    """See Queue.log_lines."""
    lines: Any = connection.lrange(keys.log(job_id), start, end)
    return list(map(text, lines))
