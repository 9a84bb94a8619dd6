"""A page of the jobs of one state: found from an anchor on, so that what arrives or leaves meanwhile shifts no row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import redis

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import metrics, scripts, stats
from queues.store.connection import translated
from queues.store.fields import unix_moment
from queues.store.finding import looks, matching
from queues.store.finding.cursors import BEGINNING, Cursor, Order
from queues.store.finding.filters import ALL, Filter
from queues.store.finding.looks import Look, Row
from queues.store.finding.matching import LOOK
from queues.store.metrics import Span
from queues.store.stats import QueueStats

if TYPE_CHECKING:
    from queues.store.queue import Queue

TEXT_LOOK = 10_000
"""Jobs that one page looks through for a text."""
TEXT_PART = 1000


@dataclass(frozen=True, kw_only=True)
class Page:
    """`jobs` fit and were of the state when they were read. `total` counts all jobs of the state where nothing is filtered; else it is
    what could be looked through, and `looked` how much of it was, for this page. `offset` is the first row's place, from 0.
    `next` and `previous` are cursors, None at the ends; with fewer jobs than were asked for, `next` goes on looking.
    `stats` are the queue's numbers of the same moment, `minutes` its last minutes if asked for; `due` is when each delayed job
    is due, by its id."""

    jobs: tuple[Job, ...] = ()
    total: int = 0
    looked: int = 0
    offset: int = 0
    next: Cursor | None = None
    previous: Cursor | None = None
    stats: QueueStats = field(default_factory=QueueStats)
    minutes: tuple[Span, ...] = ()
    due: Mapping[str, datetime] = field(default_factory=dict)


def read_page(
    queue: Queue,
    state: State,
    wanted: Filter = ALL,
    *,
    order: Order = Order.FIRST,
    cursor: Cursor = BEGINNING,
    size: int = 50,
    minutes: int = 0,
) -> Page:
    """Two round trips; while it looks for a text, three per thousand jobs. Ages in the filter are looked for like a text."""
    if state is State.PROVISIONAL:
        return Page(stats=queue.stats())
    part, most = (TEXT_PART, TEXT_PART) if wanted.scans else (size, LOOK)
    rows: list[tuple[Job, Row]] = []
    looked, at = 0, cursor
    found, numbers, spans = _first_look(queue, looks.question(queue, state, wanted, order, at, part, most), minutes)
    while True:
        fitting = _fitting(queue, state, wanted, found)
        surplus = len(rows) + len(fitting) - size
        rows += fitting[: size - len(rows)]
        looked += found.looked
        is_end = found.is_end and surplus <= 0
        at = replace(at, source=found.source, offset=found.last_offset, score="", member="")
        if not wanted.scans or is_end or len(rows) >= size or looked >= TEXT_LOOK:
            break
        found = looks.look(queue, state, wanted, order, at, part, most)
    due = {job.id: moment for job, row in rows if (moment := unix_moment(row[3]))}
    return replace(_page(found, rows, cursor, at, looked, is_end=is_end, size=size), stats=numbers, minutes=spans, due=due)


def _fitting(queue: Queue, state: State, wanted: Filter, found: Look) -> list[tuple[Job, Row]]:
    rows = {looks.job_id(state, row[0]): row for row in found.rows}
    return [(job, rows[job.id]) for job in matching.fitting(queue, state, wanted, rows)]


def _first_look(queue: Queue, question: list[scripts.Argument], minutes: int) -> tuple[Look, QueueStats, tuple[Span, ...]]:
    """One look with the queue's numbers and last minutes, in one round trip."""
    starts: list[int] = []

    def fill(pipeline: redis.client.Pipeline) -> None:
        scripts.page.ask(pipeline, *question)
        stats.ask(pipeline, queue.name)
        starts[:] = metrics.ask_minutes(pipeline, queue.name, minutes)

    with translated():
        found, numbers, *spans = scripts.answers_of(queue.connection, fill, scripts.page, scripts.stats)
    return looks.parse(found), stats.parse(numbers), tuple(metrics.read_spans(starts, spans))


def _page(found: Look, rows: list[tuple[Job, Row]], cursor: Cursor, at: Cursor, looked: int, *, is_end: bool, size: int) -> Page:
    backwards = cursor.step < 0
    ordered = rows[::-1] if backwards else rows
    ahead = _cursor(found.source, rows[-1][1], cursor.step) if rows and (len(rows) >= size or is_end) else replace(at, step=cursor.step)
    behind = _cursor(found.source, rows[0][1], -cursor.step) if rows else None
    has_begun = cursor.offset is not None or bool(cursor.member)
    forward, back = None if is_end else ahead, behind if has_begun and (not rows or rows[0][1][2] > 0 or backwards) else None
    return Page(
        jobs=tuple(job for job, _ in ordered),
        total=found.total,
        looked=looked,
        offset=ordered[0][1][2] if ordered else 0,
        next=back if backwards else forward,
        previous=forward if backwards else back,
    )


def _cursor(source: str, row: Row, step: int) -> Cursor:
    member, score, offset, _ = row
    return Cursor(source=source, offset=offset, score=score, member=member, step=step)
