"""What a scrape reads of one Redis: two round trips, however many queues, jobs and workers there are."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from queues.store import keys, metrics, scripts, stats, workers
from queues.store.answers import otherwise
from queues.store.connection import translated
from queues.store.fields import text
from queues.store.metrics import Tally
from queues.store.stats import QueueStats
from queues.store.workers import WorkerInfo

log = logging.getLogger("queues")

PARTS = 3
"""Answers of one queue."""


@dataclass(frozen=True, kw_only=True)
class QueueReading:
    """`counts` is by job name, since ever; `deferred` are jobs of plain RQ that wait for others."""

    stats: QueueStats
    deferred: int = 0
    counts: Mapping[str, Tally] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ServerReading:
    """One server's queues, None for one that cannot be read because a key has another's type; and its living workers."""

    queues: Mapping[str, QueueReading | None]
    workers: Sequence[WorkerInfo]


def read_server(connection: redis.Redis, names: Sequence[str]) -> ServerReading:
    """Raises RedisUnavailable."""
    with translated():
        *parts, members = _ask(connection, names)
        living = workers.read(connection, sorted(map(text, otherwise(members, ()))))
    rows = zip(names, (parts[at : at + PARTS] for at in range(0, len(parts), PARTS)), strict=True)
    return ServerReading(queues={name: _reading(name, row) for name, row in rows}, workers=living)


def _ask(connection: redis.Redis, names: Sequence[str]) -> list[Any]:
    def fill(pipeline: redis.client.Pipeline) -> None:
        for name in names:
            stats.ask(pipeline, name)
            pipeline.hgetall(keys.counts(name))
            pipeline.zcard(keys.deferred(name))
        pipeline.smembers(keys.workers())

    return scripts.together(connection, fill, [scripts.stats])


def _reading(name: str, answers: Sequence[Any]) -> QueueReading | None:
    numbers, counts, deferred = answers
    for answer in (numbers, counts):
        if isinstance(answer, redis.RedisError):
            log.error("The queue %s cannot be read: %s", name, answer)
            return None
    return QueueReading(stats=stats.parse(numbers), counts=metrics.by_name(counts), deferred=otherwise(deferred, 0))
