"""A job's hash in Redis, read as the view of it."""

from __future__ import annotations

from collections.abc import Mapping

from queues.jobs.job import Job
from queues.jobs.states import from_rq_status
from queues.store import payloads
from queues.store.fields import integer, json_value, moment, text


def by_name(stored: Mapping[bytes, bytes]) -> dict[str, bytes]:
    """The fields of a hash as Redis answers it."""
    return {text(name): value for name, value in stored.items()}


def job_of(job_id: str, fields: Mapping[str, bytes]) -> Job:
    """What cannot be read shows as empty, never raises."""
    facts = {name: text(value) for name, value in fields.items() if name not in ("data", "exc_info")}
    call = payloads.try_decode(fields.get("data", b""))
    return Job(
        id=job_id,
        name=facts.get("name") or (call.name if call else ""),
        queue=facts.get("origin", ""),
        data=call.payload if call else {},
        state=from_rq_status(facts.get("status", "")),
        priority=integer(facts.get("priority")),
        attempts=integer(facts.get("attempts"), 1),
        attempts_made=integer(facts.get("attempts_made")),
        stalls=integer(facts.get("stalled")),
        error=facts.get("error", ""),
        error_class=facts.get("error_class", ""),
        owner=facts.get("owner", ""),
        progress=json_value(fields.get("progress")),
        created_at=moment(facts.get("created_at")),
        started_at=moment(facts.get("started_at")),
        ended_at=moment(facts.get("ended_at")),
        worker=facts.get("worker_name", ""),
    )
