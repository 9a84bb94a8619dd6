"""One look at the jobs of a state: what a call of page.lua finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from queues.jobs.states import State
from queues.store import scripts
from queues.store.connection import translated
from queues.store.finding.cursors import Cursor, Order
from queues.store.finding.filters import Filter

if TYPE_CHECKING:
    from queues.store.queue import Queue

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


def look(queue: Queue, state: State, wanted: Filter, order: Order, cursor: Cursor, size: int, most: int) -> Look:
    """One call. Raises RedisUnavailable."""
    if state is State.PROVISIONAL:
        return NOTHING
    with translated():
        return parse(scripts.page(queue.connection, *question(queue, state, wanted, order, cursor, size, most)))


def question(queue: Queue, state: State, wanted: Filter, order: Order, cursor: Cursor, size: int, most: int) -> list[scripts.Argument]:
    """What page.lua is asked, for whoever asks it together with something else; the answer is for `parse`."""
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


def parse(answer: Sequence[Any]) -> Look:
    source, total, looked, is_end, last_offset, *flat = answer
    rows = [
        (flat[k].decode(errors="replace"), flat[k + 1].decode(), int(flat[k + 2]), flat[k + 3].decode()) for k in range(0, len(flat), 4)
    ]
    return Look(source=source.decode(), total=total, looked=looked, is_end=is_end == b"1", last_offset=last_offset, rows=rows)


def job_id(state: State, member: str) -> str:
    """Of a running job the lease is listed, `job:execution`, but its id alone where it was found by an index."""
    return member.rpartition(":")[0] or member if state is State.ACTIVE else member
