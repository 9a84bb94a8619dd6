"""A job as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from queues.jobs.states import State, from_rq_status
from queues.store import payloads
from queues.store.fields import integer, json_value, moment

if TYPE_CHECKING:
    from queues.store.history import Attempt
    from queues.store.queue import Queue


@dataclass(frozen=True, kw_only=True)
class Job:
    """A view of one job at one moment. Times are aware UTC datetimes. Its methods raise RedisUnavailable."""

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
    owner: str = ""
    progress: Any = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker: str = ""

    @property
    def is_last_attempt(self) -> bool:
        return self.attempts_made + 1 >= self.attempts

    def retry(self) -> bool:
        """Puts a dead letter back to waiting with its attempts reset. False if it is none (any more)."""
        return self._queue().retry(self.id)

    def remove(self) -> bool:
        """Deletes the job. False if it is not there, or runs now."""
        return self._queue().remove(self.id)

    def promote(self) -> bool:
        """Makes a delayed job wait for no longer. False if it is not delayed."""
        return self._queue().promote(self.id)

    def cancel(self) -> State | None:
        """Stops the job; see Queue.cancel."""
        return self._queue().cancel(self.id)

    def refresh(self) -> Job:
        """The job as it is now. Raises JobNotFound."""
        return self._queue().get(self.id)

    def report_progress(self, progress: Any) -> None:
        """A percentage or any JSON, readable at once. Raises JobCancelled where the job is to stop, ValueError for what is no JSON."""
        from queues.jobs import running

        running.report_progress(progress, self)

    def log(self, line: str) -> None:
        """Appends to the job's log, which keeps its last thousand lines. Raises JobCancelled where the job is to stop."""
        from queues.jobs import running

        running.log(line, self)

    def logs(self, start: int = 0, end: int = -1) -> list[str]:
        """Lines of the log, both ends included."""
        return self._queue().log_lines(self.id, start, end)

    def attempts_history(self) -> list[Attempt]:
        """The last ten runs that failed, or that returned something, newest first."""
        return self._queue().history(self.id)

    def _queue(self) -> Queue:
        from queues.store.queue import get_queue

        return get_queue(self.queue)

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
            owner=text.get("owner", ""),
            progress=json_value(fields.get("progress")),
            created_at=moment(text.get("created_at")),
            started_at=moment(text.get("started_at")),
            ended_at=moment(text.get("ended_at")),
            worker=text.get("worker_name", ""),
        )
