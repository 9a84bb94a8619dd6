"""A job's hash in Redis, read as the view of it."""

from __future__ import annotations

from collections.abc import Mapping

from queues.jobs.job import Job
from queues.jobs.states import from_rq_status
from queues.store import payloads
from queues.store.fields import integer, json_value, moment


def by_name(stored: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """The fields of a hash as Redis answers it."""
    return {name.decode(errors="replace"): value for name, value in stored.items()}


def job_of(job_id: str, fields: Mapping[str, bytes]) -> Job:
    """What cannot be read shows as empty, never raises."""
    text = {name: value.decode(errors="replace") for name, value in fields.items() if name not in ("data", "exc_info")}
    call = payloads.try_decode(fields.get("data", b""))
    return Job(
        id=job_id,
        name=text.get("name") or (call.name if call else ""),
        queue=text.get("origin", ""),
        data=call.payload if call else {},
        state=from_rq_status(text.get("status", "")),
        priority=integer(text.get("priority")),
        attempts=integer(text.get("attempts"), 1),
        attempts_made=integer(text.get("attempts_made")),
        stalls=integer(text.get("stalled")),
        error=text.get("error", ""),
        error_class=text.get("error_class", ""),
        owner=text.get("owner", ""),
        progress=json_value(fields.get("progress")),
        created_at=moment(text.get("created_at")),
        started_at=moment(text.get("started_at")),
        ended_at=moment(text.get("ended_at")),
        worker=text.get("worker_name", ""),
    )
