"""Whether a queue is well, by thresholds: the specification's four, and what its numbers do not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from queues.jobs.registry import registry
from queues.operations.thresholds import Threshold, thresholds_of
from queues.store import stats as store
from queues.store.connection import translated
from queues.store.queue import Queue, get_queue
from queues.store.stats import QueueStats

MANY_FAILED, MANY_WAITING = 100, 1000
LONG_RUN_SECONDS = 1.0
EXPECTED_IN_A_PAUSE = ("waiting", "oldest_waiting_seconds", "workers")


class Level(StrEnum):
    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def severity(self) -> int:
        """0, 1 or 2: the exit code of the commands that tell it."""
        return list(Level).index(self)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One metric that is beyond a threshold, in a sentence."""

    metric: str
    value: float
    threshold: float
    level: Level
    sentence: str


@dataclass(frozen=True, kw_only=True)
class QueueHealth:
    """A queue at one moment; the findings are sorted by severity."""

    queue: str
    stats: QueueStats
    findings: tuple[Finding, ...] = ()

    @property
    def level(self) -> Level:
        """The worst of the findings."""
        return max((finding.level for finding in self.findings), key=lambda level: level.severity, default=Level.HEALTHY)

    @property
    def healthy(self) -> bool:
        """The specification's formula, whatever the thresholds are: fewer than 100 failed and fewer than 1,000 waiting jobs."""
        return self.stats.failed < MANY_FAILED and self.stats.waiting < MANY_WAITING


def check_queue_health(name: str) -> QueueHealth:
    """The queue's numbers against QUEUES_HEALTH and its own HEALTH in RQ_QUEUES. Raises UnknownQueue, RedisUnavailable."""
    queue = get_queue(name)
    stats, long_runs = queue.stats(), 0
    if most := runs_to_look_at(queue, stats):
        with translated():
            long_runs = store.count_long_runs(queue.connection, name, longer_than=LONG_RUN_SECONDS, most=most)
    return judge(queue, stats, long_runs)


def judge(queue: Queue, stats: QueueStats, long_runs: int) -> QueueHealth:
    """The same of numbers that were read; `long_runs` is what `count_long_runs` found among `runs_to_look_at`.

    A pause is somebody's decision: it is told as a warning, and what follows from it (jobs that wait, long, without a worker) is never
    worse than that.
    """
    found = [*_counted(queue, stats), *_long_runs(queue, stats, long_runs), *_unserved(stats)]
    if stats.paused:
        found = [replace(each, level=Level.WARNING) if each.metric in EXPECTED_IN_A_PAUSE else each for each in found]
        sentence = "It is paused: no job starts until it is resumed."
        found.insert(0, Finding(metric="paused", value=1, threshold=0, level=Level.WARNING, sentence=sentence))
    return QueueHealth(queue=queue.name, stats=stats, findings=tuple(sorted(found, key=lambda each: -each.level.severity)))


def runs_to_look_at(queue: Queue, stats: QueueStats) -> int:
    """How many running jobs must be looked at for a judgement; 0 where their number alone says that all is well."""
    bounds = [bound for bound in _bounds(queue, stats) if bound is not None]
    return int(max(bounds)) + 1 if bounds and stats.active > min(bounds) else 0


def capacity_of(queue: str, slots: int) -> int:
    """Jobs that so many slots run at once, where batches are full."""
    return slots * max((job.batch or 1 for job in registry if job.queue == queue), default=1)


def _counted(queue: Queue, stats: QueueStats) -> Iterator[Finding]:
    limits = thresholds_of(queue)
    for metric in ("waiting", "failed", "delayed"):
        count = getattr(stats, metric)
        yield from _beyond(metric, count, limits[metric], f"{count} {metric}")
    age = stats.oldest_waiting_seconds or 0.0
    yield from _beyond("oldest_waiting_seconds", round(age, 3), limits["oldest_waiting_seconds"], f"the oldest job waits for {age:.0f} s")


def _long_runs(queue: Queue, stats: QueueStats, count: int) -> Iterator[Finding]:
    """More long runs than the fleet can have mean that leases have outlived their workers."""
    capacity = capacity_of(queue.name, stats.concurrency)
    words = f"at least {count} running for longer than {LONG_RUN_SECONDS:g} s, where living workers can run {capacity} at once"
    yield from _beyond("active", count, _bounds(queue, stats), words)


def _bounds(queue: Queue, stats: QueueStats) -> Threshold:
    capacity = capacity_of(queue.name, stats.concurrency)
    warning, critical = (None if factor is None else factor * capacity for factor in thresholds_of(queue)["active"])
    return warning, critical


def _unserved(stats: QueueStats) -> Iterator[Finding]:
    if not stats.workers and (stats.waiting or stats.delayed):
        level = Level.CRITICAL if stats.waiting else Level.WARNING
        jobs = f"{stats.waiting} waiting" if stats.waiting else f"{stats.delayed} delayed"
        yield Finding(metric="workers", value=0, threshold=1, level=level, sentence=f"No worker serves the queue, {jobs}.")


def _beyond(metric: str, value: float, limits: Threshold, words: str) -> Iterator[Finding]:
    for level, limit in ((Level.CRITICAL, limits[1]), (Level.WARNING, limits[0])):
        if limit is not None and value > limit:
            sentence = f"{words[0].upper()}{words[1:]}; more than {limit:g} is {'critical' if level is Level.CRITICAL else 'a warning'}."
            yield Finding(metric=metric, value=value, threshold=limit, level=level, sentence=sentence)
            return
