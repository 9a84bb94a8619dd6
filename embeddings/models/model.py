"""The embedding models; the active row, not the settings, decides which one searches and indexes use."""

from __future__ import annotations

import logging

from django.db import DEFAULT_DB_ALIAS, IntegrityError, models, transaction

from embeddings.exceptions import ProviderMisconfigured
from embeddings.providers import Provider, ProviderState, first_model, get_provider
from embeddings.providers.gate import Gate

log = logging.getLogger("embeddings")


class EmbeddingModelQuerySet(models.QuerySet["EmbeddingModel"]):
    def active(self) -> EmbeddingModel:
        """The active model; the first one is made from the settings. Raises ProviderMisconfigured."""
        return self.filter(status=EmbeddingModel.Status.ACTIVE).first() or self._first()

    def _first(self) -> EmbeddingModel:
        key = first_model()
        provider = get_provider(key.provider, model=key.model, dimensions=key.dimensions)
        try:
            with transaction.atomic(using=self.db):
                created = self.create(
                    provider=key.provider,
                    name=key.model,
                    dimensions=key.dimensions,
                    min_similarity=provider.default_min_similarity,
                    status=EmbeddingModel.Status.ACTIVE,
                )
        except IntegrityError:  # another process was first
            return self.get(status=EmbeddingModel.Status.ACTIVE)
        hint = " (no OPENAI_API_KEY is set)" if key.provider == "local" else ""
        log.warning("The first embedding model is %s%s. From now on its row in EmbeddingModel decides, not the settings.", created, hint)
        return created


class EmbeddingModel(models.Model):
    """One space of vectors. `min_similarity` is calibrated for it: below, a hit is noise."""

    class Status(models.TextChoices):
        BUILDING = "building"
        ACTIVE = "active"
        RETIRED = "retired"

    provider = models.CharField(max_length=50)
    name = models.CharField(max_length=200)
    dimensions = models.PositiveIntegerField()
    min_similarity = models.FloatField()
    content_version = models.PositiveIntegerField(default=1)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.BUILDING)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmbeddingModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "name", "dimensions"], name="embeddings_model_unique"),
            models.UniqueConstraint(fields=["status"], condition=models.Q(status="active"), name="embeddings_one_active_model"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.name}, {self.dimensions} dimensions"

    @property
    def database(self) -> str:
        """The alias that it was read from: its vectors, their states and the rows that they are of are there too."""
        return self._state.db or DEFAULT_DB_ALIAS

    def get_provider(self) -> Provider:
        """Raises ProviderMisconfigured, UnknownProvider."""
        return get_provider(self.provider, model=self.name, dimensions=self.dimensions)

    @property
    def provider_state(self) -> ProviderState:
        """What workers found when they last asked its provider: Redis is asked, the provider is not."""
        try:
            return Gate(self.get_provider()).state
        except ProviderMisconfigured as error:
            return ProviderState(provider=self.provider, model=self.name, kind="circuit", reason=str(error))
