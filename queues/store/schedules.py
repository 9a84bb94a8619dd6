"""What stands in Redis of schedules: the last slot taken, whether one is disabled, past runs.

All of it expires when no worker has looked at the schedule for 90 days, so that one which left the code leaves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis

from queues.jobs.schedule import Schedule
from queues.store import keys, scripts
from queues.store.answers import otherwise
from queues.store.connection import translated
from queues.store.fields import text, unix_moment

TTL_SECONDS = 90 * 86400


@dataclass(frozen=True, kw_only=True)
class PastRun:
    """One run of a schedule; or, if `is_skipped`, as many slots as `slots` says that led to none, since `job_id` still waited.

    Times are aware UTC datetimes; `slot` is None for a run by hand.
    """

    job_id: str
    slot: datetime | None
    added_at: datetime
    is_skipped: bool = False
    slots: int = 1

    @property
    def is_by_hand(self) -> bool:
        return self.slot is None


@dataclass(frozen=True, kw_only=True)
class ScheduleState:
    """The state of one schedule at `now`, by Redis's clock."""

    now: datetime
    last_at: datetime | None
    last_job_id: str
    is_disabled: bool


def add_run(
    connection: redis.Redis,
    schedule: Schedule,
    job: Sequence[scripts.Argument],
    *,
    slot: int | None = None,
    now: float | None = None,
    since: float = 0.0,
) -> str:
    """Adds the run of a slot, or one by hand without a slot: see schedule.lua. Returns the job's id, "" if none was added.

    `job` is what NewJob.arguments gives; `now` is what the slot was computed from, by Redis's clock; `since` is when a cron
    schedule was first looked at: its earlier slots are not meant.
    """
    with translated():
        added = scripts.schedule(
            connection,
            schedule.name,
            "" if slot is None else slot,
            "" if now is None else now,
            schedule.words if schedule.cron and slot is not None else "",
            since if schedule.cron else 0,
            TTL_SECONDS,
            job,
        )
    return str(added.decode())


def disable(connection: redis.Redis, name: str) -> None:
    with translated(), connection.pipeline() as pipeline:
        pipeline.hset(keys.schedule(name), "disabled", 1)
        pipeline.expire(keys.schedule(name), TTL_SECONDS)
        pipeline.execute()


def enable(connection: redis.Redis, name: str) -> None:
    """From now: what it missed is not made up for."""
    with translated():
        scripts.enable_schedule(connection, name)


def read_states(connection: redis.Redis, names: Sequence[str]) -> list[ScheduleState]:
    """In one round trip."""
    with translated(), connection.pipeline(transaction=False) as pipeline:
        ask_states(pipeline, names)
        return parse_states([otherwise(answer, (None, None, None)) for answer in pipeline.execute(raise_on_error=False)])


def ask_states(pipeline: redis.client.Pipeline, names: Sequence[str]) -> None:
    """Puts the reading into a pipeline: one answer more than names, for `parse_states`."""
    pipeline.time()
    for name in names:
        pipeline.hmget(keys.schedule(name), "last_at", "last_job", "disabled")


def parse_states(answers: Sequence[Any]) -> list[ScheduleState]:
    (seconds, micros), *rows = answers
    now = datetime.fromtimestamp(seconds + micros / 1e6, UTC)
    return [
        ScheduleState(now=now, last_at=unix_moment(last_at), last_job_id=text(last_job), is_disabled=disabled == b"1")
        for last_at, last_job, disabled in rows
    ]


def read_runs(connection: redis.Redis, name: str, limit: int) -> list[PastRun]:
    """The latest first; what cannot be read is left out."""
    with translated():
        kind: Any = connection.type(keys.schedule_runs(name))
        lines: Any = connection.lrange(keys.schedule_runs(name), 0, limit - 1) if limit > 0 and kind == b"list" else []
    return [run for run in map(_run, lines) if run is not None]


def _run(line: bytes) -> PastRun | None:
    match text(line).split(" "):
        case [kind, slot, added, job_id, slots] if (added_at := unix_moment(added)) and slots.isdecimal() and len(slots) < 10:
            return PastRun(job_id=job_id, slot=unix_moment(slot), added_at=added_at, is_skipped=kind == "waiting", slots=int(slots))
    return None
