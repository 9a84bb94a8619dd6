"""A queue as a row of the overview."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from queues.operations.health import Finding, Level
from queues.operations.survey import QueueSurvey
from queues.store.stats import QueueStats


def words_of(metric: str) -> str:
    """What a finding of queues.operations.health says in a table."""
    words = {
        "paused": _("paused"),
        "workers": _("no worker"),
        "waiting": _("many waiting"),
        "oldest_waiting_seconds": _("waiting for long"),
        "failed": _("many failed"),
        "delayed": _("many delayed"),
        "active": _("workers lost"),
    }
    return words.get(metric, metric)


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """One queue."""

    survey: QueueSurvey

    @property
    def name(self) -> str:
        return self.survey.name

    @property
    def stats(self) -> QueueStats | None:
        """None where they could not be read."""
        return self.survey.health.stats if self.survey.health else None

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.survey.health.findings if self.survey.health else ()

    @property
    def has_no_worker(self) -> bool:
        return self.stats is not None and not self.stats.workers

    @property
    def command(self) -> str:
        """What starts a worker for it."""
        return f"python manage.py rqworker {self.name}"

    @property
    def utilization(self) -> int:
        """Busy slots in percent of those that the fleet has; 0 without any."""
        return round(100 * (self.stats.utilization or 0)) if self.stats else 0

    @property
    def completed(self) -> int:
        """Within the last hour, as `failed`."""
        return sum(self.survey.completed)

    @property
    def failed(self) -> int:
        return sum(self.survey.failed)

    @property
    def level(self) -> Level:
        """That of its findings; without a worker it is not healthy even where nothing waits for one."""
        if not self.survey.health:
            return Level.CRITICAL
        return Level.WARNING if self.has_no_worker and self.survey.health.level is Level.HEALTHY else self.survey.health.level

    @property
    def level_words(self) -> str:
        return {Level.HEALTHY: _("healthy"), Level.WARNING: _("warning"), Level.CRITICAL: _("critical")}[self.level]

    @property
    def reasons(self) -> str:
        """Why it is not healthy in a few words, the most urgent first."""
        return ", ".join(dict.fromkeys(self._reasons()))

    def _reasons(self) -> Iterator[str]:
        if not self.stats:
            yield self.survey.error or _("no answer from Redis")
            return
        yield from (words_of(finding.metric) for finding in self.findings)
        if self.has_no_worker:
            yield words_of("workers")
