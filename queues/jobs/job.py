"""A job as the rest of the program sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from queues import signals
from queues.exceptions import JobCancelled
from queues.jobs.states import State

if TYPE_CHECKING:
    from queues.store.history import Attempt
    from queues.store.queue import Queue

MAX_PROGRESS_BYTES = 65_536
MAX_LINE_CHARACTERS = 10_000


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
        """Whether a failure of the next run, or of the one that goes on, is final."""
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
        """Says how far the job is: a percentage, or any JSON. Readable at once as `progress`.

        Raises JobCancelled where the job is to stop, ValueError for what is no JSON or longer than 64 KiB of it.
        """
        try:
            text = orjson.dumps(progress)
        except TypeError as error:
            raise ValueError(f"progress must be JSON: {error}") from error
        if len(text) > MAX_PROGRESS_BYTES:
            raise ValueError(f"progress must be at most {MAX_PROGRESS_BYTES} bytes of JSON, not {len(text)}")
        self._note("progress", text)
        signals.progressed.send_robust(sender=Job, job=replace(self, progress=progress), progress=progress)

    def log(self, line: str) -> None:
        """Appends a line, cut at 10,000 characters, to the job's log, which keeps its last thousand. Raises JobCancelled where the job
        is to stop."""
        self._note("log", line[:MAX_LINE_CHARACTERS].encode("utf-8", "replace"))

    def logs(self, start: int = 0, end: int = -1) -> list[str]:
        """Lines of the log, both ends included."""
        return self._queue().log_lines(self.id, start, end)

    def attempts_history(self) -> list[Attempt]:
        """The last ten runs that failed, or that returned something, newest first."""
        return self._queue().history(self.id)

    def _note(self, what: str, text: bytes) -> None:
        if self._queue().note(self.id, what, text):
            raise JobCancelled("it was cancelled while it ran")

    def _queue(self) -> Queue:
        """The one way from a job's view back to where it is stored."""
        from queues.store.queue import get_queue

        return get_queue(self.queue)
