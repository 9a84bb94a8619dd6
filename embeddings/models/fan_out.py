"""A row per changed row whose dependants are still to be marked."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from embeddings.models.owed import Owed, OwedQuerySet


class FanOutQuerySet(OwedQuerySet["FanOut"]):
    pass


class FanOut(Owed):
    """A changed row on which others depend: a worker marks these dirty in batches, so that the saver writes one row for any number."""

    entity_type = models.CharField(max_length=100, help_text="Whose entities depend on it.")
    path = models.CharField(max_length=255, help_text="The relation from the entity to the changed row, as in a filter.")
    related_id = models.CharField(max_length=255, help_text="The changed row's key.")
    position = models.CharField(max_length=255, blank=True, default="", help_text="The key of the last entity that was marked.")

    objects = FanOutQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["entity_type", "path", "related_id"], name="embeddings_fan_out_unique")]
        indexes = [models.Index(F("enqueued_at"), condition=models.Q(parked_reason=""), name="embeddings_fan_out_pending")]

    def __str__(self) -> str:
        return f"{self.entity_type} by {self.path} {self.related_id} at version {self.version}"
