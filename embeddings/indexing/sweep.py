"""The sweep: dirty rows whose job was lost get another one; rows whose job died are parked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import router, transaction
from django.utils import timezone

from embeddings.capture.changes import Change, enqueue
from embeddings.models import DirtyEntity

AGE = timedelta(minutes=2)
MOST = 1000


def sweep(*, age: timedelta = AGE, most: int = MOST) -> int:
    """Enqueues rows that are pending for longer than `age`, oldest first, at most `most`. Returns how many."""
    rows = list(DirtyEntity.objects.overdue(age)[:most])
    _enqueue(rows)
    return len(rows)


def _enqueue(rows: Sequence[DirtyEntity]) -> None:
    """Rows that a saver holds are not waited for, so that no save ends in a deadlock: it enqueues by itself."""
    enqueue([Change(entity_type=row.entity_type, entity_id=row.entity_id) for row in rows])
    using = router.db_for_write(DirtyEntity)
    with transaction.atomic(using=using):
        free = DirtyEntity.objects.using(using).filter(pk__in=[row.pk for row in rows]).select_for_update(skip_locked=True)
        DirtyEntity.objects.using(using).filter(pk__in=list(free.values_list("pk", flat=True))).update(enqueued_at=timezone.now())


def park(entity: tuple[str, str], *, reason: str, version: int | None = None, began_at: datetime | None = None) -> bool:
    """Parks the entity's row: at the version that failed, or, where that is unknown, unless it was dirtied after the job began."""
    rows = DirtyEntity.objects.pending().filter(entity_type=entity[0], entity_id=entity[1])
    if version is not None:
        rows = rows.filter(version=version)
    if began_at is not None:
        rows = rows.filter(enqueued_at__lte=began_at)
    return bool(rows.update(parked_reason=reason[:2000]))


def sweep_all() -> int:
    """Enqueues every pending row now, a thousand at a time. Returns how many."""
    total = last = 0
    while rows := list(DirtyEntity.objects.pending().filter(pk__gt=last).order_by("pk")[:MOST]):
        _enqueue(rows)
        total, last = total + len(rows), rows[-1].pk
    return total
