"""What a worker was told: when to end, and what RQ's own interface cannot carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from queues.jobs.job import Job

BURST_PATIENCE_SECONDS = 30.0

Handler = Callable[[Job], Any]


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """`runs_schedules`: whether the worker adds the runs of schedules that are due. `concurrency`: calls at a time per queue, where it
    is not the queue's own. `handler`: what runs the jobs instead of their registered functions, but for
    this app's own jobs."""

    runs_schedules: bool = True
    concurrency: Mapping[str, int] = field(default_factory=dict)
    handler: Handler | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When a worker ends by itself. A burst ends when nothing waits, and no job that it put back itself is due within 30 s."""

    burst: bool = False
    max_jobs: int | None = None
    max_idle_seconds: int | None = None
