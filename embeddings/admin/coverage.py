"""What the coverage page shows of one database. What is cheap is read at once, by as many statements for a hundred entity types as for
one; what needs a comparison of all keys is shown as it was last counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min

from embeddings.admin.rows import count_rows
from embeddings.models import Coverage, DirtyEntity, EmbeddingModel, EmbeddingState, FanOut
from embeddings.models.owed import PENDING
from embeddings.reconciling.report import WRONG
from embeddings.reconciling.status import models_of
from embeddings.registering.registry import registry

SHOWN = ("stale", "orphaned")
"""Of what a count finds wrong, these have columns; the others are named where there are any."""


@dataclass(frozen=True, kw_only=True)
class TypeCoverage:
    """One entity type in one model. Where it took too long to count now, `rows`, `embedded` and `empty` are those of the last count,
    None and 0 before it. `counted` is that count, empty before the first. `pending`, `parked` and `oldest_pending` are the type's,
    whatever the model."""

    entity_type: str
    model: EmbeddingModel
    is_registered: bool
    rows: int | None
    embedded: int
    empty: int
    failed: int
    pending: int
    parked: int
    fan_outs: int
    oldest_pending: datetime | None
    counted: Mapping[str, int]
    counted_at: datetime | None

    @property
    def wanted(self) -> int | None:
        """The rows that have something to embed, as far as is known: without those that are empty or that should_embed refused."""
        if self.rows is None:
            return None
        return max(0, self.rows - self.empty - self.counted.get("excluded", 0))

    @property
    def percent(self) -> int | None:
        """Rounded down, so that 100 means all; None where nothing is to be embedded, or nobody knows."""
        if not self.wanted:
            return None
        return min(100, self.embedded * 100 // self.wanted)

    @property
    def stale(self) -> int | None:
        return self.counted.get("stale")

    @property
    def orphaned(self) -> int | None:
        return self.counted.get("orphaned")

    @property
    def others(self) -> list[tuple[str, int]]:
        """(kind, number) of what else the last count found wrong."""
        return [(kind.replace("_", " "), self.counted[kind]) for kind in WRONG if kind not in SHOWN and self.counted.get(kind)]


def read_coverage(using: str) -> list[TypeCoverage]:
    """Of each type that is registered or known to a table, in each model in use. Asks PostgreSQL alone.

    Raises ProviderMisconfigured where there is no model yet and the settings name none.
    """
    facts = _Facts(using)
    return [facts.of(entity_type, model) for entity_type in facts.types() for model in facts.models]


class _Facts:
    """One statement for each kind of fact, whatever the number of types."""

    def __init__(self, using: str) -> None:
        self.models = models_of(using)
        states = EmbeddingState.objects.using(using).exclude(error_class="").values_list("entity_type", "model_id")
        self.failed = _grouped(states.annotate(number=Count("*")).order_by())
        self.fan_outs = _grouped(FanOut.objects.using(using).values_list("entity_type").annotate(number=Count("*")).order_by())
        self.owed = {row["entity_type"]: row for row in _owed(using)}
        self.counts = {(count.entity_type, count.model_id): count for count in Coverage.objects.using(using)}
        self.now = count_rows(using)

    def types(self) -> list[str]:
        """Those that are registered, in their order, then what only tables know."""
        known = [embeddable.entity_type for embeddable in registry]
        keys = [*(self.now.states if self.now else ()), *self.failed, *self.fan_outs, *self.counts]
        stored = {entity_type for (entity_type, *_) in keys} | set(self.owed)
        return [*known, *sorted(stored - set(known))]

    def of(self, entity_type: str, model: EmbeddingModel) -> TypeCoverage:
        owed = self.owed.get(entity_type, {})
        counted = self.counts.get((entity_type, model.pk))
        counts: Mapping[str, int] = counted.counts if counted else {}
        embedded, empty = (
            (self.now.states.get((entity_type, model.pk, status), 0) if self.now else counts.get(str(status), 0))
            for status in (EmbeddingState.Status.EMBEDDED, EmbeddingState.Status.EMPTY)
        )
        return TypeCoverage(
            entity_type=entity_type,
            model=model,
            is_registered=entity_type in registry,
            rows=self.now.rows.get(entity_type, 0) if self.now else counts.get("rows"),
            embedded=embedded,
            empty=empty,
            failed=self.failed.get((entity_type, model.pk), 0),
            pending=owed.get("pending", 0),
            parked=owed.get("parked", 0),
            oldest_pending=owed.get("oldest"),
            fan_outs=self.fan_outs.get((entity_type,), 0),
            counted=counts,
            counted_at=counted.counted_at if counted else None,
        )


def _grouped(rows: Any) -> dict[tuple[Any, ...], int]:
    return {tuple(key): number for *key, number in rows}


def _owed(using: str) -> Any:
    return (
        DirtyEntity.objects.using(using)
        .values("entity_type")
        .annotate(
            pending=Count("pk", filter=PENDING),
            parked=Count("pk", filter=~PENDING),
            oldest=Min("dirtied_at", filter=PENDING),
        )
        .order_by()
    )
