"""All workers of a server with the jobs that they run, in two round trips however many they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis

from queues.store import keys, workers
from queues.store.answers import otherwise
from queues.store.fields import moment, text
from queues.store.workers import WorkerInfo

MOST_RUNS = 500
"""Running jobs of one queue that are looked at, those whose leases end first: the ones of workers in trouble."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A job that a worker holds."""

    id: str
    name: str
    queue: str
    started_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The workers by name. `runs` has per worker its running jobs, the longest first; not all of the queues in `crowded`."""

    workers: tuple[WorkerInfo, ...] = ()
    runs: Mapping[str, Sequence[Run]] = field(default_factory=dict)
    crowded: tuple[str, ...] = ()

    def __add__(self, other: Fleet) -> Fleet:
        found = sorted((*self.workers, *other.workers), key=lambda worker: worker.name)
        return Fleet(workers=tuple(found), runs={**self.runs, **other.runs}, crowded=self.crowded + other.crowded)


def read(connection: redis.Redis, queues: Sequence[str]) -> Fleet:
    """The workers of this server, and what they run of these queues. What a stranger put into a place of theirs counts as absent."""
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.smembers(keys.workers())
        for queue in queues:
            pipeline.zrange(keys.leases(queue), 0, MOST_RUNS - 1)
        members, *leases = pipeline.execute(raise_on_error=False)
    names = sorted(map(text, otherwise(members, ())))
    held = [
        (queue, text(member).rpartition(":")[0]) for queue, found in zip(queues, leases, strict=True) for member in otherwise(found, ())
    ]
    crowded = tuple(queue for queue, found in zip(queues, leases, strict=True) if len(otherwise(found, ())) == MOST_RUNS)
    with connection.pipeline(transaction=False) as pipeline:
        for key in names:
            pipeline.hgetall(key)
        for _, job_id in held:
            pipeline.hmget(keys.job(job_id), "worker_name", "name", "started_at")
        answers = pipeline.execute(raise_on_error=False)
    found = workers.living(names, [otherwise(answer, {}) for answer in answers[: len(names)]])
    return Fleet(workers=tuple(found), runs=_runs(held, answers[len(names) :]), crowded=crowded)


def _runs(held: Sequence[tuple[str, str]], answers: Sequence[Any]) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {}
    for (queue, job_id), answer in zip(held, answers, strict=True):
        worker, name, started = map(text, otherwise(answer, (None, None, None)))
        runs.setdefault(worker, []).append(Run(id=job_id, name=name, queue=queue, started_at=moment(started)))
    for found in runs.values():
        found.sort(key=lambda run: run.started_at.timestamp() if run.started_at else 0)
    return runs
