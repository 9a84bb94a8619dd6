"""A row per entity whose committed change the index has not reached yet."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from embeddings.models.owed import PENDING, Owed, OwedQuerySet


class DirtyEntityQuerySet(OwedQuerySet["DirtyEntity"]):
    pass


class DirtyEntity(Owed):
    """An entity whose vectors are to be brought into step with its row."""

    entity_type = models.CharField(max_length=100)
    entity_id = models.CharField(max_length=255)

    objects = DirtyEntityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "dirty entities"
        constraints = [models.UniqueConstraint(fields=["entity_type", "entity_id"], name="embeddings_dirty_entity_unique")]
        indexes = [models.Index(F("enqueued_at"), condition=PENDING, name="embeddings_dirty_pending")]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id} at version {self.version}"
