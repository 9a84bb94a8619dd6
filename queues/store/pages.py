"""A page of the jobs of one state: found from an anchor on, so that what arrives or leaves meanwhile shifts no row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import scripts
from queues.store.connection import translated
from queues.store.search import Filter

if TYPE_CHECKING:
    from queues.store.queue import Queue

LOOK = 5000
"""Jobs that one call looks at: bounds how long Redis is held up (12 ms for 5,000)."""
TEXT_LOOK = 10_000
"""Jobs that one page looks through for a text."""
TEXT_PART = 1000
ALL = Filter()


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
        parts = text.split("~", 4)
        if len(parts) != 5 or not (parts[1] or "0").lstrip("-").isdecimal() or len(parts[1]) > 12:
            return cls()
        source, offset, score, sign, member = parts
        try:
            float(score or 0)
        except ValueError:
            return cls()
        return cls(source=source, offset=int(offset) if offset else None, score=score, member=member, step=-1 if sign else 1)


BEGINNING = Cursor()


@dataclass(frozen=True, kw_only=True)
class Page:
    """`jobs` fit and were of the state when they were read. `total` counts all jobs of the state where nothing is filtered; else it is
    what could be looked through, and `looked` how much of it was, for this page. `offset` is the first row's place, from 0.
    `next` and `previous` are cursors, None at the ends; with fewer jobs than were asked for, `next` goes on looking."""

    jobs: tuple[Job, ...]
    total: int
    looked: int
    offset: int
    next: Cursor | None
    previous: Cursor | None


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one call of page.lua found: rows of (member, score, offset) in the order of looking."""

    source: str
    total: int
    looked: int
    is_end: bool
    last_offset: int
    rows: list[tuple[str, str, int]]


def read_page(
    queue: Queue, state: State, wanted: Filter = ALL, *, order: Order = Order.FIRST, cursor: Cursor = BEGINNING, size: int = 50
) -> Page:
    """Two round trips; while it looks for a text, two per thousand jobs. Ages in the filter are looked for like a text."""
    scans = bool(wanted.text or wanted.older_than is not None or wanted.newer_than is not None)
    rows: list[tuple[Job, tuple[str, str, int]]] = []
    looked, at = 0, cursor
    while True:
        found = look(queue, state, wanted, order, at, TEXT_PART if scans else size, TEXT_PART if scans else LOOK)
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
    return _page(found, rows, cursor, at, looked, is_end=is_end, size=size)


def look(queue: Queue, state: State, wanted: Filter, order: Order, cursor: Cursor, size: int, most: int) -> Look:
    """One call. Raises RedisUnavailable."""
    if state is State.PROVISIONAL:
        return Look(source="state", total=0, looked=0, is_end=True, last_offset=0, rows=[])
    with translated():
        answer: Any = scripts.page(
            queue.connection,
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
        )
    source, total, looked, is_end, last_offset, *flat = answer
    rows = [(flat[k].decode(errors="replace"), flat[k + 1].decode(), int(flat[k + 2])) for k in range(0, len(flat), 3)]
    return Look(source=source.decode(), total=total, looked=looked, is_end=is_end == b"1", last_offset=last_offset, rows=rows)


def matching_ids(queue: Queue, state: State, wanted: Filter = ALL, *, order: Order = Order.FIRST, source: str = "") -> Iterator[str]:
    """The ids of all jobs of the state that fit, part by part; with a text, their hashes are read too. The `source` "state" trusts no
    index: it looks at every job of the state."""
    scans = bool(wanted.text or wanted.older_than is not None or wanted.newer_than is not None)
    cursor = Cursor(source=source)
    while True:
        found = look(queue, state, wanted, order, cursor, LOOK, LOOK)
        ids = [job_id(state, row[0]) for row in found.rows]
        yield from (job.id for job in queue.fetch(ids) if job.state is state and wanted.fits(job)) if scans else ids
        if found.is_end or not found.looked:
            return
        _, score, _ = found.rows[-1] if found.rows else ("", "", 0)
        member = found.rows[-1][0] if found.rows and found.rows[-1][2] == found.last_offset else ""
        cursor = Cursor(source=found.source, offset=found.last_offset, score=score if member else "", member=member)


def job_id(state: State, member: str) -> str:
    """Of a running job the lease is listed: `job:execution`."""
    return member.rpartition(":")[0] if state is State.ACTIVE else member


def _page(
    found: Look, rows: list[tuple[Job, tuple[str, str, int]]], cursor: Cursor, at: Cursor, looked: int, *, is_end: bool, size: int
) -> Page:
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


def _cursor(source: str, row: tuple[str, str, int], step: int) -> Cursor:
    member, score, offset = row
    return Cursor(source=source, offset=offset, score=score, member=member, step=step)
