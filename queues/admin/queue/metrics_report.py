"""What became of a queue's jobs in the last hour or day: charts, percentiles, and a row per job name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from queues.admin.charts import Chart, Series
from queues.admin.scales import seconds_scale
from queues.admin.words import count_text, span_text
from queues.store import metrics
from queues.store.connection import translated
from queues.store.metrics import PERCENTILES, Histogram, Span, Tally
from queues.store.queue import Queue

MINUTES, HOURS = 60, 24


class Window(StrEnum):
    """How far back, as the URL has it."""

    HOUR = "60m"
    DAY = "24h"

    @property
    def words(self) -> str:
        return _("the last 60 minutes") if self is Window.HOUR else _("the last 24 hours")

    @property
    def is_hour(self) -> bool:
        return self is Window.HOUR


@dataclass(frozen=True, kw_only=True)
class Percentiles:
    """Seconds under which half, 95 and 99 in a hundred took; None where nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None

    @classmethod
    def of(cls, histogram: Histogram) -> Percentiles:
        return cls(**histogram.percentiles())


@dataclass(frozen=True, kw_only=True)
class NameRow:
    """One job name."""

    name: str
    tally: Tally
    run: Percentiles
    wait: Percentiles

    @property
    def failure_percent(self) -> float:
        """Of the jobs that ended, those that died."""
        ended = self.tally.completed + self.tally.failed
        return 100 * self.tally.failed / ended if ended else 0.0


@dataclass(frozen=True, kw_only=True)
class Report:
    """The spans of the window, oldest first, the present one last and incomplete."""

    queue: str
    window: Window
    spans: Sequence[Span]

    @property
    def total(self) -> Tally:
        return sum((span.total for span in self.spans), Tally())

    @property
    def run(self) -> Percentiles:
        return Percentiles.of(self.total.run)

    @property
    def wait(self) -> Percentiles:
        return Percentiles.of(self.total.wait)

    @property
    def charts(self) -> list[Chart]:
        return [self.throughput, self._times("run", _("Run time")), self._times("wait", _("Wait time"))]

    @property
    def throughput(self) -> Chart:
        total = self.total
        title = _("Jobs ended by the minute") if self.window.is_hour else _("Jobs ended by the hour")
        summary = _("%(window)s: %(completed)s completed, %(failed)s failed, %(retried)s retried.")
        facts = {what: count_text(getattr(total, what)) for what in ("completed", "failed", "retried")}
        return self._chart(
            "throughput",
            title,
            Series(label=_("completed"), values=tuple(span.total.completed for span in self.spans)),
            Series(label=_("failed"), values=tuple(span.total.failed for span in self.spans), is_fault=True),
            summary=_sentence(summary % {"window": self.window.words, **facts}),
        )

    def _times(self, kind: str, title: str) -> Chart:
        """Percentiles by span."""
        measured = [Percentiles.of(getattr(span.total, kind)) for span in self.spans]
        whole = Percentiles.of(getattr(self.total, kind))
        parts = ", ".join(f"{name} {span_text(getattr(whole, name))}" for name in PERCENTILES)
        return self._chart(
            kind,
            title,
            *(Series(label=name, values=tuple(getattr(each, name) for each in measured)) for name in PERCENTILES),
            summary=_sentence(f"{self.window.words}: {parts}."),
            scale=seconds_scale,
        )

    def _chart(self, kind: str, title: str, *series: Series, **more: Any) -> Chart:
        return Chart(id=f"chart-{kind}", title=title, starts=tuple(span.start for span in self.spans), series=series, **more)


class NameOrder(StrEnum):
    """How job names are sorted, as the URL has it."""

    BUSIEST = "busiest"
    FAILING = "failing"
    SLOWEST = "slowest"
    WAITING = "waiting"

    @property
    def words(self) -> str:
        return str(ORDERS[self][0])

    @property
    def key(self) -> Callable[[NameRow], Any]:
        return ORDERS[self][1]


ORDERS: dict[NameOrder, tuple[str | Promise, Callable[[NameRow], Any]]] = {
    NameOrder.BUSIEST: (gettext_lazy("most runs"), lambda row: row.tally.run.count),
    NameOrder.FAILING: (gettext_lazy("most failing"), lambda row: (row.failure_percent, row.tally.failed, row.tally.retried)),
    NameOrder.SLOWEST: (gettext_lazy("slowest"), lambda row: row.run.p95 or 0.0),
    NameOrder.WAITING: (gettext_lazy("longest waits"), lambda row: row.wait.p95 or 0.0),
}


def name_rows(hours: Sequence[Span], order: NameOrder = NameOrder.BUSIEST) -> list[NameRow]:
    """The job names of these hours, in descending order, equal ones by name."""
    tallies: dict[str, Tally] = {}
    for span in hours:
        for name, tally in span.names.items():
            tallies[name] = tallies.get(name, Tally()) + tally
    rows = [
        NameRow(name=name, tally=tally, run=Percentiles.of(tally.run), wait=Percentiles.of(tally.wait))
        for name, tally in sorted(tallies.items())
    ]
    return sorted(rows, key=order.key, reverse=True)


def read_report(queue: Queue, window: Window, order: NameOrder) -> tuple[Report, list[NameRow]]:
    """The window, and the job names of the last 24 hours, in one round trip. Raises RedisUnavailable."""
    with translated(), queue.connection.pipeline(transaction=False) as pipeline:
        starts = metrics.ask_minutes(pipeline, queue.name, MINUTES)
        hour_starts = metrics.ask_hours(pipeline, queue.name, HOURS)
        answers = pipeline.execute()
    hours = metrics.read_spans(hour_starts, answers[MINUTES:])
    spans = metrics.read_spans(starts, answers[:MINUTES]) if window.is_hour else hours
    return Report(queue=queue.name, window=window, spans=spans), name_rows(hours, order)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
