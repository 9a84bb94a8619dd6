"""All that the overview shows of one Redis, in at most three round trips whatever the number of queues and jobs; writes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import redis

from queues.operations import schedules
from queues.operations.health import LONG_RUN_SECONDS, QueueHealth, judge, runs_to_look_at
from queues.operations.schedules import ScheduleInfo
from queues.store import keys, metrics, scripts, stats, workers
from queues.store import schedules as schedule_store
from queues.store.answers import allowed
from queues.store.connection import translated
from queues.store.fields import text
from queues.store.queue import get_queue
from queues.store.servers import Server
from queues.store.stats import QueueStats
from queues.store.workers import WorkerInfo

MINUTES = 60


@dataclass(frozen=True, kw_only=True)
class QueueSurvey:
    """One queue; `health` is None where `error` says why it could not be read. The outcomes are by minute, the present one last."""

    name: str
    health: QueueHealth | None = None
    error: str = ""
    completed: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ServerFacts:
    """What Redis tells of itself; `latency_seconds` is the shortest of the round trips that this survey took."""

    version: str
    policy: str
    used_memory: int
    max_memory: int
    latency_seconds: float


@dataclass(frozen=True, kw_only=True)
class ServerSurvey:
    """One Redis; `facts` is None where it may not tell them."""

    queues: tuple[QueueSurvey, ...]
    workers: tuple[WorkerInfo, ...]
    schedules: tuple[ScheduleInfo, ...]
    facts: ServerFacts | None


def survey(server: Server) -> ServerSurvey:
    """Raises RedisUnavailable."""
    with translated():
        return _Survey(server).take()


class _Survey:
    def __init__(self, server: Server) -> None:
        self.connection = server.connection
        self.names = server.names
        self.planned = schedules.planned(self.names)
        self.latencies: list[float] = []

    def take(self) -> ServerSurvey:
        info, worker_keys, outcomes, states, readings = self._first()
        found = {name: reading for name, reading in readings.items() if isinstance(reading, QueueStats)}
        errors = {name: reading for name, reading in readings.items() if isinstance(reading, str)}
        fleet, heads = self._second(worker_keys, found)
        long_runs = self._third(heads)
        health = {name: judge(get_queue(name), each, long_runs.get(name, 0)) for name, each in found.items()}
        return ServerSurvey(
            queues=tuple(
                QueueSurvey(name=name, health=health.get(name), error=errors.get(name, ""), completed=completed, failed=failed)
                for name, (completed, failed) in zip(self.names, outcomes, strict=True)
            ),
            workers=tuple(fleet),
            schedules=tuple(schedules.infos(self.planned, states)),
            facts=self._facts(info),
        )

    def _first(self) -> tuple[Any, list[str], Any, Any, dict[str, QueueStats | str]]:
        def fill(pipeline: redis.client.Pipeline) -> None:
            pipeline.info()
            pipeline.smembers(keys.workers())
            metrics.ask_outcomes(pipeline, self.names, MINUTES)
            schedule_store.ask_states(pipeline, [schedule.name for _, schedule in self.planned])
            for name in self.names:
                stats.ask(pipeline, name)

        answers = self._trip(fill)
        info, members, outcomes, *rest = answers
        states, readings = rest[: len(self.planned) + 1], rest[len(self.planned) + 1 :]
        return (
            info,
            sorted(map(text, allowed(members, ()))),
            metrics.parse_outcomes(allowed(outcomes, [()] * len(self.names))),
            schedule_store.parse_states([allowed(state, (None, None, None)) for state in states]),
            {name: _reading(answer) for name, answer in zip(self.names, readings, strict=True)},
        )

    def _second(self, worker_keys: list[str], found: Mapping[str, QueueStats]) -> tuple[list[WorkerInfo], dict[str, list[bytes]]]:
        """The workers, and the first leases of the queues that run so much that it may be too much."""
        looks = {name: most for name, each in found.items() if (most := runs_to_look_at(get_queue(name), each))}

        def fill(pipeline: redis.client.Pipeline) -> None:
            pipeline.ping()  # never empty: its time is that of a round trip
            workers.ask(pipeline, worker_keys)
            for name, most in looks.items():
                stats.ask_lease_heads(pipeline, name, most)

        _, *answers = self._trip(fill)
        hashes, heads = answers[: len(worker_keys)], answers[len(worker_keys) :]
        fleet = workers.living(worker_keys, [allowed(fields, {}) for fields in hashes])
        return fleet, {name: allowed(members, []) for name, members in zip(looks, heads, strict=True)}

    def _third(self, heads: Mapping[str, list[bytes]]) -> dict[str, int]:
        """How many of them run for long."""
        if not any(heads.values()):
            return {}

        def fill(pipeline: redis.client.Pipeline) -> None:
            for members in heads.values():
                stats.ask_starts(pipeline, members)

        answers = iter(self._trip(fill))
        return {name: stats.count_older([next(answers) for _ in members], LONG_RUN_SECONDS) for name, members in heads.items()}

    def _trip(self, fill: Callable[[redis.client.Pipeline], None]) -> list[Any]:
        start = time.perf_counter()
        answers = scripts.together(self.connection, fill, (scripts.stats, scripts.outcomes))
        self.latencies.append(time.perf_counter() - start)
        return answers

    def _facts(self, info: Any) -> ServerFacts | None:
        if not isinstance(info, dict):
            return None
        return ServerFacts(
            version=str(info.get("redis_version", "")),
            policy=str(info.get("maxmemory_policy", "noeviction")),
            used_memory=int(info.get("used_memory", 0)),
            max_memory=int(info.get("maxmemory", 0)),
            latency_seconds=min(self.latencies),
        )


def _reading(answer: Any) -> QueueStats | str:
    """Or the error: a queue whose keys a stranger broke hides no other."""
    try:
        return stats.parse(answer)
    except redis.exceptions.ResponseError as error:
        return str(error)
