"""What a committed change owes, whichever kind of work it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Self, TypeVar

from django.db import models
from django.db.models.functions import Now

Row = TypeVar("Row", bound="Owed", covariant=True)


class OwedQuerySet(models.QuerySet[Row]):
    def pending(self) -> Self:
        return self.filter(parked_reason="")

    def parked(self) -> Self:
        return self.exclude(parked_reason="")

    def overdue(self, age: timedelta) -> Self:
        """Pending for longer than `age` by the database's clock, oldest first: whatever should have served them was lost."""
        return self.pending().filter(enqueued_at__lt=Now() - age).order_by("dirtied_at")


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
