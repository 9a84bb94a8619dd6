"""The sweep: dirty rows whose job was lost get another one; rows whose job died are parked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from embeddings.capture.changes import Change, enqueue
from embeddings.conf import settings
from embeddings.models import DirtyEntity

MOST = 1000


def sweep(*, using: str = "default", age: timedelta | None = None, most: int = MOST) -> int:
    """Enqueues rows that are pending for longer than `age` (EMBEDDINGS_SWEEP_AGE_SECONDS), oldest first, at most `most`.

    Returns how many.
    """
    age = timedelta(seconds=settings.sweep_age_seconds) if age is None else age
    rows = list(DirtyEntity.objects.using(using).overdue(age)[:most])
    _enqueue(rows, using=using)
    return len(rows)


def sweep_all(*, using: str = "default") -> int:
    """Enqueues every pending row now, a thousand at a time. Returns how many."""
    total = last = 0
    while rows := list(DirtyEntity.objects.using(using).pending().filter(pk__gt=last).order_by("pk")[:MOST]):
        _enqueue(rows, using=using)
        total, last = total + len(rows), rows[-1].pk
    return total


def _enqueue(rows: Sequence[DirtyEntity], *, using: str) -> None:
    """Rows that a saver holds are not waited for, so that no save ends in a deadlock: it enqueues by itself."""
    changes = [Change(entity_type=row.entity_type, entity_id=row.entity_id, version=row.version) for row in rows]
    enqueue(changes, using=using)
    with transaction.atomic(using=using):
        free = DirtyEntity.objects.using(using).filter(pk__in=[row.pk for row in rows]).select_for_update(skip_locked=True)
        DirtyEntity.objects.using(using).filter(pk__in=list(free.values_list("pk", flat=True))).update(enqueued_at=Now())
