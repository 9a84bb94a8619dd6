"""The runs of a job, from the result stream that RQ keeps of it."""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import redis

from queues.jobs.job import Job
from queues.store import keys
from queues.store.fields import integer, json_value, text, unix_moment
from queues.store.job_hash import by_name, job_of

MAX_ATTEMPTS = 10


class Ending(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    RETRIED = "retried"


ENDINGS = {1: Ending.COMPLETED, 2: Ending.FAILED, 3: Ending.STOPPED, 4: Ending.RETRIED, 5: Ending.FAILED}


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run. `traceback` and `error_path`, the dotted path of the error's class, are empty and `result` is None where there was none."""

    ending: Ending
    worker: str
    traceback: str
    error_path: str
    result: Any
    started_at: datetime | None
    ended_at: datetime | None


def read(connection: redis.Redis, job_id: str) -> list[Attempt]:
    """The last runs, newest first. A first run that completed without a result leaves no entry."""
    entries: Any = connection.xrevrange(keys.results(job_id), count=MAX_ATTEMPTS)
    return [attempt(fields) for _, fields in entries]


def read_with_job(connection: redis.Redis, job_id: str) -> tuple[Job | None, list[Attempt]]:
    """A job, None where there is none, and its last runs, newest first, in one round trip."""
    with connection.pipeline() as pipeline:
        pipeline.hgetall(keys.job(job_id))
        pipeline.xrevrange(keys.results(job_id), count=MAX_ATTEMPTS)
        fields, entries = pipeline.execute()
    job = job_of(job_id, by_name(fields)) if fields else None
    return job, [attempt(entry) for _, entry in entries]


def attempt(fields: Mapping[bytes, bytes]) -> Attempt:
    """One entry of the stream."""
    return Attempt(
        ending=ENDINGS.get(integer(fields.get(b"type")), Ending.FAILED),
        worker=text(fields.get(b"worker_name")),
        traceback=_text(fields.get(b"exc_string", b"")),
        error_path=text(fields.get(b"exc_class")),
        result=json_value(_bytes(fields.get(b"return_value", b""))),
        started_at=unix_moment(fields.get(b"execution_started_at")),
        ended_at=unix_moment(fields.get(b"execution_ended_at")),
    )


def _bytes(text: bytes) -> bytes:
    try:
        return b64decode(text)
    except ValueError:
        return b""


def _text(text: bytes) -> str:
    packed = _bytes(text)
    try:
        return zlib.decompressobj().decompress(packed, 1_000_000).decode(errors="replace")
    except zlib.error:
        return packed.decode(errors="replace")
