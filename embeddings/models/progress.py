"""How far the reconciler's passes are, so that each tick goes on where the last one ended."""

from __future__ import annotations

from django.db import models


class SyncProgress(models.Model):
    """One kind of pass over one entity type; a pass that reached its end begins anew at the next tick."""

    entity_type = models.CharField(max_length=100)
    kind = models.CharField(max_length=20)
    position = models.CharField(max_length=255, blank=True, default="", help_text="The last key looked at; empty: at the beginning.")
    checked = models.PositiveBigIntegerField(default=0, help_text="Entities of this pass so far.")
    found = models.PositiveBigIntegerField(default=0, help_text="Those that were not right.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When a pass last reached its end.")

    class Meta:
        verbose_name_plural = "sync progress"
        constraints = [models.UniqueConstraint(fields=["entity_type", "kind"], name="embeddings_sync_progress_unique")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.entity_type}: {self.checked} checked"
