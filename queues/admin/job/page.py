"""What the page of a job shows, every text of it masked."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from queues.admin.job.shown import MOST_CHARACTERS, MOST_OF_A_LINE, MOST_OF_A_TRACEBACK, Shown, Traceback
from queues.admin.job.timeline import Event, last_line, timeline
from queues.admin.payload.texts import json_text
from queues.jobs.job import Job
from queues.jobs.registry import Definition, registry
from queues.jobs.states import ENDED, State
from queues.links import Link, links_of
from queues.masking import Masker
from queues.store.details import JobDetails, LogPart
from queues.store.history import Ending
from queues.store.queue import queue_names


def words_of(state: State) -> str:
    words = {
        State.PROVISIONAL: _("provisional"),
        State.WAITING: _("waiting"),
        State.ACTIVE: _("active"),
        State.DELAYED: _("delayed"),
        State.COMPLETED: _("completed"),
        State.FAILED: _("failed"),
    }
    return words[state]


class JobPage:
    """One job at one moment, for people."""

    def __init__(self, details: JobDetails) -> None:
        self.details = details
        self.job: Job = details.job
        told = [details.job.progress, *(attempt.result for attempt in details.attempts)]
        self.masker = Masker(details.call.payload if details.call else None, *told)

    @property
    def name(self) -> str:
        """Registered, or the function that plain RQ would call."""
        call = self.details.call
        name = self.job.name or (call.function if call else "") or _("unnamed")
        return self.masker.text(name)[:200]

    @property
    def state(self) -> str:
        return words_of(self.job.state)

    @property
    def has_queue(self) -> bool:
        return self.job.queue in queue_names()

    @cached_property
    def definition(self) -> Definition | None:
        """What is registered under its name, where a person may add it to its queue."""
        found = registry.find(self.job.name)
        return found if found and found.is_by_hand and found.queue == self.job.queue and self.has_queue else None

    @property
    def owner(self) -> str:
        return self.masker.text(self.job.owner)

    @property
    def dedupe(self) -> str:
        return self.masker.text(self.details.dedupe)[:500]

    @property
    def error(self) -> str:
        """Of a completed job none: an earlier run's is in the timeline."""
        return "" if self.job.state is State.COMPLETED else self.masker.text(self.job.error)[:MOST_CHARACTERS]

    @property
    def payload_text(self) -> str:
        call = self.details.call
        if call is None:
            return ""
        return json_text(self.masker.data({"args": call.args, "kwargs": call.payload} if call.function else call.payload))

    @property
    def result_text(self) -> str:
        """Of the last run, where it completed and returned something."""
        newest = self.details.attempts[0] if self.details.attempts else None
        if self.job.state is not State.COMPLETED or newest is None or newest.ending is not Ending.COMPLETED or newest.result is None:
            return ""
        return json_text(self.masker.data(newest.result))

    @cached_property
    def payload(self) -> Shown:
        return Shown.cut(self.payload_text)

    @cached_property
    def result(self) -> Shown:
        return Shown.cut(self.result_text)

    @property
    def percentage(self) -> float | None:
        """A progress that is a number, within 0 and 100."""
        progress = self.job.progress
        if isinstance(progress, bool) or not isinstance(progress, (int, float)):
            return None
        return min(100.0, max(0.0, float(progress)))

    @cached_property
    def progress(self) -> Shown | None:
        """A progress that is none."""
        progress: Any = self.job.progress
        if progress is None or self.percentage is not None:
            return None
        return Shown.cut(json_text(self.masker.data(progress)))

    @cached_property
    def events(self) -> list[Event]:
        return timeline(self.details, self.masker)

    @property
    def log(self) -> LogPart:
        return self.details.log

    @property
    def log_lines(self) -> list[Shown]:
        return [Shown.cut(self.masker.text(line), MOST_OF_A_LINE) for line in self.details.log.lines]

    @cached_property
    def tracebacks(self) -> list[Traceback]:
        """The newest first, each with its end where it is long."""
        texts = [(attempt, self.masker.text(attempt.traceback)[-MOST_OF_A_TRACEBACK:]) for attempt in self.details.attempts]
        return [
            Traceback(title=last_line(text) or attempt.error_path, text=text, worker=attempt.worker, at=attempt.ended_at)
            for attempt, text in texts
            if text.strip()
        ]

    @cached_property
    def links(self) -> list[Link]:
        return [link for link in links_of(self.job) if self.masker.text(f"{link.text} {link.url}") == f"{link.text} {link.url}"]

    @property
    def can_retry(self) -> bool:
        return self.has_queue and self.job.state is State.FAILED

    @property
    def can_rerun(self) -> bool:
        """Whether a new job can be made of it by a form."""
        call = self.details.call
        return self.job.state in ENDED and self.definition is not None and call is not None and not call.function

    @property
    def can_promote(self) -> bool:
        return self.has_queue and self.job.state is State.DELAYED

    @property
    def can_cancel(self) -> bool:
        return self.has_queue and self.job.state not in ENDED and not self.details.is_told_to_stop

    @property
    def can_remove(self) -> bool:
        return self.has_queue and self.job.state is not State.ACTIVE
