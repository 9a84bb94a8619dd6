"""All jobs of a state that fit a filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from queues.jobs.job import Job
from queues.jobs.states import ENDED, State
from queues.store import fields, keys, payloads
from queues.store.answers import otherwise
from queues.store.connection import translated
from queues.store.finding import looks
from queues.store.finding.cursors import Cursor, Order
from queues.store.finding.filters import ALL, Filter, holds
from queues.store.slices import SLICE, in_slices

if TYPE_CHECKING:
    from queues.store.queue import Queue

LOOK = 5000
"""Jobs that one call looks at: bounds how long Redis is held up (12 ms for 5,000)."""
PART = 200
"""Jobs that are read whole at once."""


def find_jobs(queue: Queue, state: State, wanted: Filter) -> Iterator[Job]:
    """The jobs that fit, in the order of Queue.jobs, read part by part as they are asked for. Trusts no index, so that it finds what plain
    RQ added too, and reads every job of the state. What changes meanwhile may be missed."""
    order = Order.LAST if state in ENDED else Order.FIRST
    for ids, _ in _parts(queue, state, ALL, order, "state", SLICE if wanted.text else PART):
        yield from fitting(queue, state, wanted, ids)


def find_failed_ids(queue: Queue, wanted: Filter, limit: int = 0) -> list[str]:
    """Of the dead letters that fit, the newest first; `limit` 0 is no limit."""
    if wanted.fits_all:
        return queue.job_ids(State.FAILED, 0, limit - 1)
    return [job.id for job in islice(find_jobs(queue, State.FAILED, wanted), limit or None)]


def matching_ids(queue: Queue, state: State, wanted: Filter = ALL, *, order: Order = Order.FIRST, source: str = "") -> Iterator[str]:
    """The ids of all jobs of the state that fit, part by part; with a text, their hashes are read too. The `source` "state" trusts no
    index: it looks at every job of the state."""
    for ids, _ in matching_parts(queue, state, wanted, order=order, source=source):
        yield from ids


def matching_parts(
    queue: Queue, state: State, wanted: Filter = ALL, *, order: Order = Order.FIRST, source: str = ""
) -> Iterator[tuple[list[str], bool]]:
    """The same by the parts of at most LOOK jobs that were looked at, each with whether it was the last."""
    for ids, is_last in _parts(queue, state, wanted, order, source, LOOK):
        yield [job.id for job in fitting(queue, state, wanted, ids)] if wanted.scans else ids, is_last


def there_by(queue: Queue, state: State, ids: Sequence[str], moment: datetime) -> list[str]:
    """Those of these jobs of a state that had ended by then, or where they have not, been added. What tells no time was there before."""
    field = "ended_at" if state in ENDED else "created_at"
    found: list[str] = []
    for part in in_slices(ids):
        with translated(), queue.connection.pipeline(transaction=False) as pipeline:
            for job_id in part:
                pipeline.hget(keys.job(job_id), field)
            times = [fields.moment(fields.text(otherwise(answer, None))) for answer in pipeline.execute(raise_on_error=False)]
        found += [job_id for job_id, at in zip(part, times, strict=True) if at is None or at <= moment]
    return found


def fitting(queue: Queue, state: State, wanted: Filter, ids: Iterable[str]) -> list[Job]:
    """Those of these jobs that fit and are still of the state."""
    sought = _telling(queue, ids, wanted.text) if wanted.text else ids
    return [job for job in queue.fetch(sought) if job.state is state and wanted.fits(job)]


def _telling(queue: Queue, ids: Iterable[str], text: str) -> list[str]:
    """Those of these jobs whose error or payload has the text: few, so that the others need not be read whole."""
    found: list[str] = []
    for part in in_slices(list(ids)):
        with translated(), queue.connection.pipeline(transaction=False) as pipeline:
            for job_id in part:
                pipeline.hmget(keys.job(job_id).encode(errors="replace"), "error", "data")
            told = [otherwise(answer, (None, None)) for answer in pipeline.execute(raise_on_error=False)]
        found += [job_id for job_id, (error, data) in zip(part, told, strict=True) if _tells(text, error or b"", data or b"")]
    return found


def _tells(text: str, error: bytes, data: bytes) -> bool:
    call = payloads.try_decode(data)
    return holds(error.decode(errors="replace"), call.payload if call else {}, text)


def _parts(queue: Queue, state: State, wanted: Filter, order: Order, source: str, size: int) -> Iterator[tuple[list[str], bool]]:
    """By as many jobs as are looked at together: the ids of those that an index or a field says to fit, and whether they are the last."""
    cursor = Cursor(source=source)
    while True:
        found = looks.look(queue, state, wanted, order, cursor, size, size)
        is_last = found.is_end or not found.looked
        yield [looks.job_id(state, row[0]) for row in found.rows], is_last
        if is_last:
            return
        is_anchored = bool(found.rows) and found.rows[-1][2] == found.last_offset
        member, score = found.rows[-1][:2] if is_anchored else ("", "")
        cursor = Cursor(source=found.source, offset=found.last_offset, score=score, member=member)
