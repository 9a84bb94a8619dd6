"""All that Redis has of one job, in one round trip a server, and one more for a delayed job's due time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from queues.exceptions import JobNotFound, RedisUnavailable
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import history, keys, payloads
from queues.store.answers import otherwise
from queues.store.at_once import at_once
from queues.store.connection import translated
from queues.store.fields import integer, text, unix_moment
from queues.store.history import Attempt
from queues.store.job_hash import by_name, job_of
from queues.store.payloads import Call
from queues.store.servers import Server, servers
from queues.store.telling import LOG_LINES

LOG_PAGE = 100
SCHEDULED = "schedule:"
"""How the dedupe key of a schedule's run begins: see queues.operations.schedules."""


@dataclass(frozen=True, kw_only=True)
class LogPart:
    """`lines` of a log from the line `start` on, of the `total` that are kept."""

    lines: tuple[str, ...] = ()
    start: int = 0
    total: int = 0

    @property
    def first(self) -> int:
        """The number of the first line, counted from one."""
        return self.start + 1

    @property
    def end(self) -> int:
        """That of the last."""
        return self.start + len(self.lines)

    @property
    def may_be_cut(self) -> bool:
        """Whether lines before the first may have been dropped."""
        return self.total >= LOG_LINES

    @property
    def is_newest(self) -> bool:
        return self.end >= self.total and bool(self.lines or not self.total)

    @property
    def older(self) -> int | None:
        """Where the part before this one starts."""
        return max(0, self.start - LOG_PAGE) if self.start else None


@dataclass(frozen=True, kw_only=True)
class JobDetails:
    """A job with its last runs (newest first), its log, and what only its own page shows. Times are aware UTC datetimes.

    `call` is None where its data is not readable JSON of RQ's call; `due_at` is that of a delayed job.
    """

    job: Job
    attempts: tuple[Attempt, ...]
    log: LogPart
    call: Call | None
    timeout_seconds: int
    dedupe: str
    is_told_to_stop: bool
    due_at: datetime | None = None

    @property
    def schedule(self) -> str:
        """The schedule that it is a run of, empty for none."""
        return self.dedupe.removeprefix(SCHEDULED) if self.dedupe.startswith(SCHEDULED) else ""


def read_details(job_id: str, *, log_from: int | None = None) -> JobDetails:
    """The job of this id, on whichever server, with the log's end or what follows the line `log_from`.

    Raises JobNotFound; RedisUnavailable where a server that might have it does not answer.
    """

    def ask(server: Server) -> JobDetails | RedisUnavailable | None:
        try:
            with translated():
                return _read(server.connection, job_id, log_from)
        except RedisUnavailable as error:
            return error

    silent: RedisUnavailable | None = None
    for answer in at_once(ask, servers()):
        if isinstance(answer, JobDetails):
            return answer
        silent = answer or silent
    raise silent or JobNotFound(f"There is no job {job_id!r}.")


def _read(connection: redis.Redis, job_id: str, log_from: int | None) -> JobDetails | None:
    start = -LOG_PAGE if log_from is None else log_from
    with connection.pipeline() as pipeline:
        pipeline.hgetall(keys.job(job_id))
        pipeline.xrevrange(keys.results(job_id), count=history.MAX_ATTEMPTS)
        pipeline.lrange(keys.log(job_id), start, -1 if log_from is None else log_from + LOG_PAGE - 1)
        pipeline.llen(keys.log(job_id))
        answers = pipeline.execute(raise_on_error=False)
    stored, entries, lines, total = (otherwise(answer, None) for answer in answers)
    if not stored:
        return None
    fields = by_name(stored)
    job = job_of(job_id, fields)
    first = max(0, (total or 0) - LOG_PAGE) if log_from is None else log_from
    return JobDetails(
        job=job,
        attempts=tuple(history.attempt(entry) for _, entry in entries or ()),
        log=LogPart(lines=tuple(map(text, lines or ())), start=first, total=total or 0),
        due_at=_due_at(connection, job) if job.state is State.DELAYED else None,
        **_facts(fields),
    )


def _facts(fields: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "call": payloads.try_decode(fields.get("data", b"")),
        "timeout_seconds": integer(fields.get("timeout")),
        "dedupe": text(fields.get("dedupe")),
        "is_told_to_stop": "cancel" in fields,
    }


def _due_at(connection: redis.Redis, job: Job) -> datetime | None:
    score: Any = connection.zscore(keys.delayed(job.queue), job.id)
    return unix_moment(score)
