"""The sweep: dirty and fan-out rows whose job was lost get another one; rows whose job died are parked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from embeddings.capture.changes import Change, enqueue
from embeddings.capture.related import enqueue_fan_outs
from embeddings.conf import settings
from embeddings.models import DirtyEntity, FanOut
from embeddings.models.owed import Owed

MOST = 1000


def sweep(*, using: str = "default", age: timedelta | None = None, most: int = MOST) -> int:
    """Enqueues rows that are pending for longer than `age` (EMBEDDINGS_SWEEP_AGE_SECONDS), oldest first, at most `most` of a kind.

    Returns how many.
    """
    age = timedelta(seconds=settings.sweep_age_seconds) if age is None else age
    fan_outs = list(FanOut.objects.using(using).overdue(age)[:most])
    _enqueue_fan_outs(fan_outs, using=using)
    rows = list(DirtyEntity.objects.using(using).overdue(age)[:most])
    _enqueue(rows, using=using)
    return len(fan_outs) + len(rows)


def sweep_all(*, using: str = "default") -> int:
    """Enqueues every pending row now, a thousand at a time. Returns how many."""
    return _sweep_all(DirtyEntity.objects.using(using).pending(), _enqueue) + _sweep_all(
        FanOut.objects.using(using).pending(), _enqueue_fan_outs
    )


def _sweep_all(pending: QuerySet[Any], enqueue_rows: Callable[..., None]) -> int:
    total = last = 0
    while rows := list(pending.filter(pk__gt=last).order_by("pk")[:MOST]):
        enqueue_rows(rows, using=pending.db)
        total, last = total + len(rows), rows[-1].pk
    return total


def _enqueue(rows: Sequence[DirtyEntity], *, using: str) -> None:
    changes = [Change(entity_type=row.entity_type, entity_id=row.entity_id, version=row.version) for row in rows]
    enqueue(changes, using=using)
    _note_enqueued(DirtyEntity.objects.using(using), rows)


def _enqueue_fan_outs(rows: Sequence[FanOut], *, using: str) -> None:
    if rows:
        enqueue_fan_outs([(row.entity_type, row.path, row.related_id) for row in rows], using=using)
        _note_enqueued(FanOut.objects.using(using), rows)


def _note_enqueued(table: QuerySet[Any], rows: Sequence[Owed]) -> None:
    """Rows that a saver holds are not waited for, so that no save ends in a deadlock: it enqueues by itself."""
    with transaction.atomic(using=table.db):
        free = table.filter(pk__in=[row.pk for row in rows]).select_for_update(skip_locked=True)
        table.filter(pk__in=list(free.values_list("pk", flat=True))).update(enqueued_at=Now())
