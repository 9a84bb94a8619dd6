"""What a committed change owes, whichever kind of work it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Self, TypeVar

from django.db import models, transaction
from django.db.models.functions import Now

from embeddings.storable import storable

Row = TypeVar("Row", bound="Owed", covariant=True)

PENDING = models.Q(parked_reason="")
MAX_REASON_CHARACTERS = 2000


class OwedQuerySet(models.QuerySet[Row]):
    def pending(self) -> Self:
        return self.filter(PENDING)

    def parked(self) -> Self:
        return self.exclude(PENDING)

    def overdue(self, age: timedelta) -> Self:
        """Pending for longer than `age` by the database's clock, oldest first: whatever should have served them was lost."""
        return self.pending().filter(enqueued_at__lt=Now() - age).order_by("dirtied_at")

    def park(self, reason: str) -> int:
        """Those that are pending. Returns how many."""
        return self.pending().update(parked_reason=storable(reason)[:MAX_REASON_CHARACTERS], parked_at=Now())

    def unpark(self) -> int:
        """At their version, so that a fan-out row goes on where it was. Returns how many."""
        return self.update(parked_reason="", parked_at=None)

    def mark_enqueued(self) -> None:
        """Now. Rows that a saver holds are not waited for, so that no save ends in a deadlock: it enqueues by itself."""
        with transaction.atomic(using=self.db):
            free = list(self.select_for_update(skip_locked=True).values_list("pk", flat=True))
            self.filter(pk__in=free).update(enqueued_at=Now())


class Owed(models.Model):
    """Work that a committed change owes. `version` comes from one sequence, so it never restarts; a row is removed only at the
    version that was read. All times are the database's."""

    version = models.BigIntegerField()
    dirtied_at = models.DateTimeField(help_text="Since when work is owed.")
    enqueued_at = models.DateTimeField(help_text="When a job for it was last sent on its way.")
    parked_reason = models.TextField(blank=True, default="", help_text="Why its job died; a new save or a retry takes it up again.")
    parked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
