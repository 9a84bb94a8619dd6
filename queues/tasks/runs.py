"""The runs of a task as the worker noted them: the entries of RQ's result stream."""

from __future__ import annotations

import sys
import zlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from queues.jobs.job import Job
from queues.store import keys
from queues.store.connection import get_connection, translated
from queues.tasks.interface import TaskError

SUCCESSFUL = "1"
MAX_TRACEBACK_BYTES = 1_000_000


class RecordedError(TaskError):
    """An error whose class is found only if this process has imported it: a name that stands in Redis imports nothing."""

    @property
    def exception_class(self) -> type[BaseException]:
        """Raises ValueError where the path names no exception of a module that is imported here."""
        module, _, name = self.exception_class_path.rpartition(".")
        found = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
        raise ValueError(f"{self.exception_class_path!r} is no exception class that this process has imported.")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run that was charged. `error` is None for the good one."""

    worker: str
    started_at: datetime | None
    error: RecordedError | None = None
    value: Any = None

    @classmethod
    def from_entry(cls, entry: Mapping[bytes, bytes]) -> Run:
        """What cannot be read shows as empty, never raises."""
        text = {key.decode(): value.decode(errors="replace") for key, value in entry.items()}
        run = cls(worker=text.get("worker_name", ""), started_at=_moment(text.get("execution_started_at", "")))
        if text.get("type") == SUCCESSFUL:
            return replace(run, value=_value(text.get("return_value", "")))
        path = text.get("exc_class", "builtins.Exception")
        return replace(run, error=RecordedError(exception_class_path=path, traceback=_traceback(text.get("exc_string", ""))))


def read(queue: str, job_id: str) -> tuple[Job, list[Run]] | None:
    """The job and its latest ten runs, oldest first, in one round trip; None where there is no such job.

    Raises UnknownQueue, RedisUnavailable.
    """
    with translated(), get_connection(queue).pipeline() as pipeline:
        pipeline.hgetall(keys.job(job_id))
        pipeline.xrange(keys.results(job_id))
        fields, entries = pipeline.execute()
    if not fields:
        return None
    job = Job.from_hash(job_id, {key.decode(errors="replace"): value for key, value in fields.items()})
    return job, [Run.from_entry(entry) for _, entry in entries]


def _moment(unix_seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(unix_seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _value(text: str) -> Any:
    try:
        return orjson.loads(b64decode(text)) if text else None
    except ValueError:
        return None


def _traceback(text: str) -> str:
    try:
        return zlib.decompressobj().decompress(b64decode(text), MAX_TRACEBACK_BYTES).decode(errors="replace")
    except (ValueError, zlib.error):
        return ""
