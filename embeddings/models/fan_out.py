"""A row per changed row whose dependants are still to be marked."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from embeddings.models.owed import PENDING, Owed, OwedQuerySet


class FanOutQuerySet(OwedQuerySet["FanOut"]):
    pass


class FanOut(Owed):
    """A changed row on which others depend: a worker marks these dirty in batches, so that the saver writes one row for any number.

    The saver of a row has it locked, so that nobody waits for a fan-out row who would not wait for the row itself. What led to a row
    that was moved or deleted its saver has not locked: it is named in rows of the saver's transaction alone.
    """

    entity_type = models.CharField(max_length=100, help_text="Whose entities depend on it.")
    path = models.CharField(max_length=255, blank=True, help_text="From the entity to the changed row, as in a filter; empty: itself.")
    related_id = models.CharField(max_length=255, help_text="The changed row's key.")
    transaction_id = models.BigIntegerField(default=0, help_text="Of the saver, where it is for this one transaction; else 0.")
    position = models.CharField(max_length=255, blank=True, default="", help_text="The key of the last entity that was marked.")

    objects = FanOutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity_type", "transaction_id", "path", "related_id"], name="embeddings_fan_out_unique")
        ]
        indexes = [models.Index(F("enqueued_at"), condition=PENDING, name="embeddings_fan_out_pending")]

    def __str__(self) -> str:
        return f"{self.entity_type} by {self.path} {self.related_id} at version {self.version}"
