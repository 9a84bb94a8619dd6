"""A job as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from queues.jobs.states import State, from_rq_status
from queues.store import payloads
from queues.store.fields import integer, moment


@dataclass(frozen=True, kw_only=True)
class Job:
    """A view of one job at one moment. Times are aware UTC datetimes."""

    id: str
    name: str
    queue: str
    data: dict[str, Any] = field(default_factory=dict)
    state: State = State.WAITING
    priority: int = 0
    attempts: int = 3
    attempts_made: int = 0
    stalls: int = 0
    error: str = ""
    error_class: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker: str = ""

    @property
    def is_last_attempt(self) -> bool:
        return self.attempts_made + 1 >= self.attempts

    @classmethod
    def from_hash(cls, job_id: str, fields: Mapping[str, bytes]) -> Job:
        """Builds the view from the job's hash in Redis; what cannot be read shows as empty, never raises."""
        text = {key: value.decode(errors="replace") for key, value in fields.items() if key not in ("data", "exc_info")}
        call = payloads.try_decode(fields.get("data", b""))
        return cls(
            id=job_id,
            name=text.get("name") or (call.name if call else ""),
            queue=text.get("origin", ""),
            data=call.payload if call else {},
            state=from_rq_status(text.get("status", "")),
            priority=integer(text.get("priority"), 0),
            attempts=integer(text.get("attempts"), 1),
            attempts_made=integer(text.get("attempts_made"), 0),
            stalls=integer(text.get("stalled"), 0),
            error=text.get("error", ""),
            error_class=text.get("error_class", ""),
            created_at=moment(text.get("created_at")),
            started_at=moment(text.get("started_at")),
            ended_at=moment(text.get("ended_at")),
            worker=text.get("worker_name", ""),
        )
