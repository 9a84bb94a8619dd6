"""What happened to a job, in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.masking import Masker
from queues.store.details import JobDetails
from queues.store.history import MAX_ATTEMPTS, Attempt, Ending

SAME_SECONDS = 0.001
"""RQ's stream has moments as floats, the hash to the microsecond."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened, or is to: from `at` on, for runs until `until`. `kind` is a name for the style sheet."""

    kind: str
    words: str
    at: datetime | None = None
    until: datetime | None = None
    worker: str = ""
    error: str = ""

    @property
    def is_within_a_day(self) -> bool:
        return bool(self.at and self.until) and localdate(self.at) == localdate(self.until)

    @property
    def seconds(self) -> float | None:
        return (self.until - self.at).total_seconds() if self.at and self.until else None


def timeline(details: JobDetails, masker: Masker) -> list[Event]:
    """Oldest first. Runs come from RQ's stream, the last one from the hash where the stream has none of it."""
    job = details.job
    events = [Event(kind="added", words=_("Added"), at=job.created_at)] if job.created_at else []
    if len(details.attempts) >= MAX_ATTEMPTS:
        events.append(Event(kind="note", words=_("Earlier runs are no longer kept.")))
    events += [_run(attempt, masker) for attempt in reversed(details.attempts)]
    events += _last(job, details.attempts[0] if details.attempts else None, masker)
    if details.due_at:
        events.append(Event(kind="due", words=_("Due"), at=details.due_at))
    return events


def _run(attempt: Attempt, masker: Masker) -> Event:
    words = {
        Ending.COMPLETED: _("Run that completed"),
        Ending.FAILED: _("Run that failed"),
        Ending.RETRIED: _("Run that failed and was to be tried again"),
        Ending.STOPPED: _("Run that was stopped"),
    }
    return Event(
        kind=attempt.ending.value,
        words=words[attempt.ending],
        at=attempt.started_at,
        until=attempt.ended_at,
        worker=attempt.worker,
        error=last_line(masker.text(attempt.traceback)) or masker.text(attempt.error_path),
    )


def _last(job: Job, newest: Attempt | None, masker: Masker) -> Iterator[Event]:
    """What only the hash tells: a run that goes on, that returned nothing, lost its worker or was put back, and an end without a run."""
    error = masker.text(job.error)
    if job.started_at and not (newest and _is_run_of(newest, job.started_at) and job.state is not State.ACTIVE):
        until = job.ended_at if job.ended_at and job.ended_at >= job.started_at else None
        match job.state:
            case State.ACTIVE:
                yield Event(kind="active", words=_("Runs since"), at=job.started_at, worker=job.worker)
            case State.COMPLETED:
                yield Event(kind="completed", words=_("Run that completed"), at=job.started_at, until=until, worker=job.worker)
            case State.FAILED:
                yield Event(kind="failed", words=_("Run that failed"), at=job.started_at, until=until, worker=job.worker, error=error)
            case _:
                yield Event(kind="retried", words=_("Run that was put back"), at=job.started_at, worker=job.worker, error=error)
    elif job.state is State.FAILED and job.ended_at and not _is_same(job.ended_at, newest.ended_at if newest else None):
        yield Event(kind="failed", words=_("Failed without another run"), at=job.ended_at, error=error)


def _is_run_of(attempt: Attempt, started_at: datetime) -> bool:
    """Whether it is the run that the hash says began then: the stream has the moment after the claim, the hash the one before it."""
    return attempt.started_at is not None and (attempt.started_at - started_at).total_seconds() > -SAME_SECONDS


def _is_same(moment: datetime, other: datetime | None) -> bool:
    return other is not None and abs((moment - other).total_seconds()) < SAME_SECONDS


def last_line(text: str) -> str:
    """The line of a traceback that says what went wrong."""
    lines = text.strip().splitlines()
    return lines[-1][:500] if lines else ""
