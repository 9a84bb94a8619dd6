"""What `manage.py rqworker` was told about its worker, beyond what RQ's own interface can carry."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """`runs_schedules`: whether the worker adds the runs of schedules that are due."""

    runs_schedules: bool = True
