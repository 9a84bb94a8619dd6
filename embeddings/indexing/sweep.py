"""The sweep: dirty rows whose job was lost get another one; rows whose job died are parked."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from embeddings.capture.changes import Change, enqueue
from embeddings.models import DirtyEntity

AGE = timedelta(minutes=2)
MOST = 1000


def sweep(*, age: timedelta = AGE, most: int = MOST) -> int:
    """Enqueues rows that are pending for longer than `age`, oldest first, at most `most`. Returns how many."""
    rows = list(DirtyEntity.objects.overdue(age)[:most])
    enqueue([Change(entity_type=row.entity_type, entity_id=row.entity_id) for row in rows])
    DirtyEntity.objects.filter(pk__in=[row.pk for row in rows]).update(enqueued_at=timezone.now())
    return len(rows)


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
    total = 0
    started = timezone.now()
    while rows := list(DirtyEntity.objects.pending().filter(enqueued_at__lt=started).order_by("dirtied_at")[:MOST]):
        enqueue([Change(entity_type=row.entity_type, entity_id=row.entity_id) for row in rows])
        DirtyEntity.objects.filter(pk__in=[row.pk for row in rows]).update(enqueued_at=timezone.now())
        total += len(rows)
    return total
