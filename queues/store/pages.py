"""A page of the jobs of one state: found from an anchor on, so that what arrives or leaves meanwhile shifts no row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import redis

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import metrics, scripts, stats
from queues.store.connection import translated
from queues.store.fields import unix_moment
from queues.store.metrics import Span
from queues.store.search import Filter
from queues.store.stats import QueueStats

if TYPE_CHECKING:
    from queues.store.queue import Queue

LOOK = 5000
"""Jobs that one call looks at: bounds how long Redis is held up (12 ms for 5,000)."""
TEXT_LOOK = 10_000
"""Jobs that one page looks through for a text."""
TEXT_PART = 1000
ALL = Filter()
CURSOR = re.compile(r"([a-z]*)~(-?[0-9]{1,12})?~(-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,3})?)?~(-?)~(.*)", re.DOTALL)
"""source, offset, score, sign of the step, member"""


class Order(StrEnum):
    """FIRST: what runs next, or ended or was added the longest ago, comes first; LAST is the opposite."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A row that one goes on from: after it, or with `step` -1 before it. Without a member, the offset alone."""

    source: str = ""
    offset: int | None = None
    score: str = ""
    member: str = ""
    step: int = 1

    def __str__(self) -> str:
        return "~".join(
            (self.source, "" if self.offset is None else str(self.offset), self.score, "-" if self.step < 0 else "", self.member)
        )

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """What `str` gave; rubbish is the beginning."""
        if not (found := CURSOR.fullmatch(text)):
            return cls()
        source, offset, score, sign, member = found.groups(default="")
        return cls(source=source, offset=int(offset) if offset else None, score=score, member=member, step=-1 if sign else 1)


BEGINNING = Cursor()


@dataclass(frozen=True, kw_only=True)
class Page:
    """`jobs` fit and were of the state when they were read. `total` counts all jobs of the state where nothing is filtered; else it is
    what could be looked through, and `looked` how much of it was, for this page. `offset` is the first row's place, from 0.
    `next` and `previous` are cursors, None at the ends; with fewer jobs than were asked for, `next` goes on looking.
    `stats` are the queue's numbers of the same moment, `minutes` its last minutes if asked for; `due` is when each delayed job
    is due, by its id."""

    jobs: tuple[Job, ...]
    total: int
    looked: int
    offset: int
    next: Cursor | None
    previous: Cursor | None
    stats: QueueStats = field(default_factory=QueueStats)
    minutes: tuple[Span, ...] = ()
    due: Mapping[str, datetime] = field(default_factory=dict)


Row = tuple[str, str, int, str]
"""member, score, offset, due"""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one call of page.lua found: the rows in the order of looking."""

    source: str
    total: int
    looked: int
    is_end: bool
    last_offset: int
    rows: list[Row]


NOTHING = Look(source="state", total=0, looked=0, is_end=True, last_offset=0, rows=[])


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
    """Two round trips; while it looks for a text, two per thousand jobs. Ages in the filter are looked for like a text."""
    if state is State.PROVISIONAL:
        return Page(jobs=(), total=0, looked=0, offset=0, next=None, previous=None, stats=queue.stats())
    scans = wanted.scans
    rows: list[tuple[Job, Row]] = []
    part, most = (TEXT_PART, TEXT_PART) if scans else (size, LOOK)
    looked, at = 0, cursor
    found, numbers, spans = _first_look(queue, _question(queue, state, wanted, order, at, part, most), minutes)
    while True:
        jobs = {job.id: job for job in queue.fetch(job_id(state, row[0]) for row in found.rows)}
        fitting = [
            (jobs[name], row)
            for row in found.rows
            if (name := job_id(state, row[0])) in jobs and jobs[name].state is state and wanted.fits(jobs[name])
        ]
        surplus = len(rows) + len(fitting) - size
        rows += fitting[: size - len(rows)]
        looked += found.looked
        is_end = found.is_end and surplus <= 0
        at = replace(at, source=found.source, offset=found.last_offset, score="", member="")
        if not scans or is_end or len(rows) >= size or looked >= TEXT_LOOK:
            break
        found = look(queue, state, wanted, order, at, part, most)
    page = _page(found, rows, cursor, at, looked, is_end=is_end, size=size)
    due = {job.id: moment for job, row in rows if (moment := unix_moment(row[3]))}
    return replace(page, stats=numbers, minutes=spans, due=due)


def look(queue: Queue, state: State, wanted: Filter, order: Order, cursor: Cursor, size: int, most: int) -> Look:
    """One call. Raises RedisUnavailable."""
    if state is State.PROVISIONAL:
        return NOTHING
    with translated():
        return _look(scripts.page(queue.connection, *_question(queue, state, wanted, order, cursor, size, most)))


def _first_look(queue: Queue, question: list[scripts.Argument], minutes: int) -> tuple[Look, QueueStats, tuple[Span, ...]]:
    """The same with the queue's numbers and last minutes, in one round trip."""
    starts: list[int] = []

    def fill(pipeline: redis.client.Pipeline) -> None:
        scripts.page.ask(pipeline, *question)
        stats.ask(pipeline, queue.name)
        starts[:] = metrics.ask_minutes(pipeline, queue.name, minutes)

    with translated():
        found, numbers, *spans = scripts.answers_of(queue.connection, fill, scripts.page, scripts.stats)
    return _look(found), stats.parse(numbers), tuple(metrics.read_spans(starts, spans))


def _question(queue: Queue, state: State, wanted: Filter, order: Order, cursor: Cursor, size: int, most: int) -> list[scripts.Argument]:
    return [
        queue.name,
        state.value,
        order.value,
        wanted.name or "",
        wanted.owner or "",
        wanted.error_class or "",
        cursor.source if cursor.source in ("state", "name", "owner", "error") else "",
        "" if cursor.offset is None else cursor.offset,
        cursor.score,
        cursor.member,
        cursor.step,
        size,
        most,
    ]


def _look(answer: Sequence[Any]) -> Look:
    source, total, looked, is_end, last_offset, *flat = answer
    rows = [
        (flat[k].decode(errors="replace"), flat[k + 1].decode(), int(flat[k + 2]), flat[k + 3].decode()) for k in range(0, len(flat), 4)
    ]
    return Look(source=source.decode(), total=total, looked=looked, is_end=is_end == b"1", last_offset=last_offset, rows=rows)


def matching_ids(queue: Queue, state: State, wanted: Filter = ALL, *, order: Order = Order.FIRST, source: str = "") -> Iterator[str]:
    """The ids of all jobs of the state that fit, part by part; with a text, their hashes are read too. The `source` "state" trusts no
    index: it looks at every job of the state."""
    for ids, _ in matching_parts(queue, state, wanted, order=order, source=source):
        yield from ids


def matching_parts(
    queue: Queue, state: State, wanted: Filter = ALL, *, order: Order = Order.FIRST, source: str = ""
) -> Iterator[tuple[list[str], bool]]:
    """The same by the parts of at most LOOK jobs that were looked at, each with whether it was the last."""
    cursor = Cursor(source=source)
    while True:
        found = look(queue, state, wanted, order, cursor, LOOK, LOOK)
        ids = [job_id(state, row[0]) for row in found.rows]
        if wanted.scans:
            ids = [job.id for job in queue.fetch(ids) if job.state is state and wanted.fits(job)]
        is_last = found.is_end or not found.looked
        yield ids, is_last
        if is_last:
            return
        is_anchored = bool(found.rows) and found.rows[-1][2] == found.last_offset
        member, score = found.rows[-1][:2] if is_anchored else ("", "")
        cursor = Cursor(source=found.source, offset=found.last_offset, score=score, member=member)


def job_id(state: State, member: str) -> str:
    """Of a running job the lease is listed, `job:execution`, but its id alone where it was found by an index."""
    return member.rpartition(":")[0] or member if state is State.ACTIVE else member


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
