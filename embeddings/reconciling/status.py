"""status(): everything that an operator asks of the index, in one frozen report. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum
from django.utils import timezone

from embeddings.conf import settings
from embeddings.models import EmbeddingModel, EmbeddingUsage
from embeddings.owing.parking import Parked, find_parked
from embeddings.providers import first_model
from embeddings.providers.state import ProviderState
from embeddings.reconciling.comparing import count_type
from embeddings.reconciling.orphans import stored_types
from embeddings.reconciling.report import TypeReport
from embeddings.registering.registry import registry

DAYS = 7
MOST_PARKED = 1000
"""Rows of a type that are listed: whoever has more of them looks for what they have in common, with `embeddings_retry --error`."""


@dataclass(frozen=True, kw_only=True)
class ModelReport:
    """A model that is in use, or being built."""

    database: str
    provider: str
    name: str
    dimensions: int
    status: str
    provider_state: ProviderState


@dataclass(frozen=True, kw_only=True)
class UsageOfDay:
    """What was sent to a model in a day (UTC). A request for several owners counts for each of them."""

    database: str
    day: date
    provider: str
    model: str
    requests: int
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """`types` per entity type and model, `usage` of the last seven days, of each type the thousand rows that were parked last."""

    models: Sequence[ModelReport]
    types: Sequence[TypeReport]
    usage: Sequence[UsageOfDay]
    parked: Sequence[Parked]

    @property
    def is_right(self) -> bool:
        """Whether the active models' index is complete, and nothing else is stored or owed."""
        return all(report.is_right for report in self.types if report.is_active)

    def count(self, name: str) -> int:
        """Of all types, in the active models."""
        return sum(report.count(name) for report in self.types if report.is_active)


def status(*, using: str | None = None, entity_types: Collection[str] | None = None) -> Status:
    """Of one database, or of all that EMBEDDINGS_DATABASES names; of these entity types, or of all that are registered or stored.

    Raises NotRegistered.
    """
    found = [_status_of(database, entity_types) for database in ([using] if using else settings.databases)]
    return Status(
        models=[model for one in found for model in one.models],
        types=[report for one in found for report in one.types],
        usage=[day for one in found for day in one.usage],
        parked=[row for one in found for row in one.parked],
    )


def _status_of(using: str, entity_types: Collection[str] | None) -> Status:
    models = models_of(using)
    names = types_of(using, entity_types)
    return Status(
        models=[
            ModelReport(
                database=using,
                provider=model.provider,
                name=model.name,
                dimensions=model.dimensions,
                status=str(model.status),
                provider_state=model.provider_state,
            )
            for model in models
        ],
        types=[count_type(name, model) for name in names for model in models],
        usage=_usage(using),
        parked=[row for name in names for row in find_parked(using=using, entity_type=name, most=MOST_PARKED)],
    )


def models_of(using: str) -> list[EmbeddingModel]:
    """The active one first, then those that are being built. Before the first one is made, the one that the settings will make."""
    statuses = (EmbeddingModel.Status.ACTIVE, EmbeddingModel.Status.BUILDING)
    models = list(EmbeddingModel.objects.using(using).filter(status__in=statuses).order_by("status", "pk"))
    if not any(model.status == EmbeddingModel.Status.ACTIVE for model in models):
        key = first_model()
        first = EmbeddingModel(pk=0, provider=key.provider, name=key.model, dimensions=key.dimensions, status=EmbeddingModel.Status.ACTIVE)
        first._state.db = using
        models.insert(0, first)
    return models


def types_of(using: str, entity_types: Collection[str] | None) -> list[str]:
    """These, or those that are registered, in their order, then what is only stored. Raises NotRegistered for what is neither."""
    stored = stored_types(using)
    if entity_types is None:
        known = [embeddable.entity_type for embeddable in registry]
        return [*known, *sorted(stored - set(known))]
    return [name if name in stored else registry.get(name).entity_type for name in entity_types]


def _usage(using: str) -> list[UsageOfDay]:
    since = timezone.now().date() - timedelta(days=DAYS - 1)
    rows = EmbeddingUsage.objects.using(using).filter(day__gte=since).values("day", "provider", "model")
    sums = rows.annotate(requests_=Sum("requests"), tokens_=Sum("tokens")).order_by("day", "provider", "model")
    return [
        UsageOfDay(
            database=using,
            day=row["day"],
            provider=row["provider"],
            model=row["model"],
            requests=row["requests_"],
            tokens=row["tokens_"],
        )
        for row in sums
    ]
