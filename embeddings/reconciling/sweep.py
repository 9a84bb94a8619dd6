"""The sweep: owed rows whose job was lost get another one. Those whose job died are parked, and stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from embeddings.conf import settings
from embeddings.models import DirtyEntity, FanOut
from embeddings.owing.changes import Change
from embeddings.owing.enqueueing import enqueue
from embeddings.owing.fan_outs import enqueue_fan_outs
from embeddings.owing.parking import park
from queues import InvalidPayload

MOST = 1000


def sweep(*, using: str = "default", age: timedelta | None = None, most: int = MOST) -> int:
    """Enqueues rows that are pending for longer than `age` (EMBEDDINGS_SWEEP_AGE_SECONDS), oldest first, at most `most` of them,
    fan-outs first. Returns how many."""
    age = timedelta(seconds=settings.sweep_age_seconds) if age is None else age
    fan_outs = list(FanOut.objects.using(using).overdue(age)[:most])
    enqueue_fan_outs(fan_outs, using=using)
    rows = list(DirtyEntity.objects.using(using).overdue(age)[: most - len(fan_outs)])
    _enqueue_dirty(rows, using=using)
    return len(fan_outs) + len(rows)


def sweep_all(*, using: str = "default") -> int:
    """Enqueues every pending row now, a thousand at a time. Returns how many."""
    return sum(_all(table, enqueue_rows, using) for table, enqueue_rows in ((FanOut, enqueue_fan_outs), (DirtyEntity, _enqueue_dirty)))


def _all(table: Any, enqueue_rows: Any, using: str) -> int:
    total = last = 0
    while rows := list(table.objects.using(using).pending().filter(pk__gt=last).order_by("pk")[:MOST]):
        enqueue_rows(rows, using=using)
        total, last = total + len(rows), rows[-1].pk
    return total


def _enqueue_dirty(rows: Sequence[DirtyEntity], *, using: str) -> None:
    """A row whose entity no job can name is parked, so that it does not hold up the others."""
    changes = [Change(entity_type=row.entity_type, entity_id=row.entity_id, version=row.version) for row in rows]
    try:
        enqueue(changes, using=using)
    except InvalidPayload as error:
        if len(rows) == 1:
            park(changes[0].entity, reason=str(error), version=rows[0].version, using=using)
            return
        for row in rows:
            _enqueue_dirty([row], using=using)
        return
    DirtyEntity.objects.using(using).filter(pk__in=[row.pk for row in rows]).mark_enqueued()
