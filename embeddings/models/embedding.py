"""Vectors, and beside them the state of each entity: what changes often must not live in a table with a vector index."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from pgvector.django import HalfVectorField

from embeddings.models.model import EmbeddingModel


class Embedding(models.Model):
    """One chunk of one entity in one model: only what search needs. The vector's length is its model's dimensions."""

    # No constraint in the database: an owner who is deleted while a worker writes must fail nobody's batch.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    entity_type = models.CharField(max_length=100)
    entity_id = models.CharField(max_length=255)
    model = models.ForeignKey(EmbeddingModel, on_delete=models.CASCADE, db_index=False)
    chunk_index = models.PositiveSmallIntegerField()
    content = models.TextField()
    metadata = models.JSONField(default=dict)
    embedding = HalfVectorField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "model", "entity_type", "entity_id", "chunk_index"], name="embeddings_embedding_unique")
        ]
        # Holds all that the reconciler compares, so that it need not read the vectors' pages.
        indexes = [
            models.Index(fields=["entity_type", "entity_id", "model"], include=["user", "chunk_index"], name="embeddings_embedding_keys")
        ]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id}, chunk {self.chunk_index}"


class EmbeddingState(models.Model):
    """The last result for an entity in a model; FAILED only where nothing was ever stored.

    Without the owner in its key, so that a removal stays as a tombstone at its version.
    """

    class Status(models.TextChoices):
        EMBEDDED = "embedded"
        EMPTY = "empty"
        REMOVED = "removed"
        FAILED = "failed"

    entity_type = models.CharField(max_length=100)
    entity_id = models.CharField(max_length=255)
    model = models.ForeignKey(EmbeddingModel, on_delete=models.CASCADE)
    owner_id = models.CharField(max_length=255, blank=True, default="")
    version = models.BigIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices)
    content_hash = models.CharField(max_length=64, blank=True, default="", help_text="SHA-256, hex.")
    recipe = models.CharField(max_length=100, blank=True, default="", help_text="Content version and chunking: a part of the hash.")
    chunks = models.PositiveSmallIntegerField(default=0)
    tokens = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField()
    error_class = models.CharField(max_length=100, blank=True, default="", help_text="Of the last attempt, if it failed.")
    error = models.TextField(blank=True, default="")
    failed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["entity_type", "entity_id", "model"], include=["status"], name="embeddings_state_unique")
        ]
        indexes = [models.Index(fields=["entity_type"], condition=~models.Q(error_class=""), name="embeddings_state_failed")]

    def __str__(self) -> str:
        return f"{self.entity_type} {self.entity_id}: {self.status} at version {self.version}"
