"""What is owed: one row per entity whose committed change the index has not reached yet."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import F
from django.utils import timezone


class DirtyEntityQuerySet(models.QuerySet["DirtyEntity"]):
    def pending(self) -> DirtyEntityQuerySet:
        return self.filter(parked_reason="")

    def parked(self) -> DirtyEntityQuerySet:
        return self.exclude(parked_reason="")

    def overdue(self, age: timedelta) -> DirtyEntityQuerySet:
        """Pending for longer than `age`, oldest first: whatever should have served them was lost."""
        return self.pending().filter(enqueued_at__lt=timezone.now() - age).order_by("dirtied_at")


class DirtyEntity(models.Model):
    """`version` comes from one sequence, so it never restarts; a row is removed only at the version that was read."""

    entity_type = models.CharField(max_length=100)
    entity_id = models.CharField(max_length=255)
    version = models.BigIntegerField()
    dirtied_at = models.DateTimeField(help_text="Since when work is owed.")
    enqueued_at = models.DateTimeField(help_text="When a job for it was last sent on its way.")
    parked_reason = models.TextField(blank=True, default="", help_text="Why its job died; a new save or a retry takes it up again.")

    objects = DirtyEntityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "dirty entities"
        constraints = [models.UniqueConstraint(fields=["entity_type", "entity_id"], name="embeddings_dirty_entity_unique")]
        indexes = [models.Index(F("enqueued_at"), condition=models.Q(parked_reason=""), name="embeddings_dirty_pending")]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id} at version {self.version}"
