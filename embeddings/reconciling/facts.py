"""What the tables of owed work, states and passes say of an entity type, without looking at its rows."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import Extract, Now

from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState, FanOut, SyncProgress


def facts_of(entity_type: str, model: EmbeddingModel) -> dict[str, Any]:
    """Fields of a TypeReport."""
    using = model.database
    owed = DirtyEntity.objects.using(using).filter(entity_type=entity_type)
    pending = owed.pending().aggregate(number=Count("pk"), age=Extract(Now() - Min("dirtied_at"), "epoch"))
    states = EmbeddingState.objects.using(using).filter(entity_type=entity_type, model_id=model.pk)
    results = states.aggregate(failed=Count("pk", filter=~Q(error_class="")), tokens=Sum("tokens", default=0))
    return {
        "pending": pending["number"],
        "oldest_pending_seconds": None if pending["age"] is None else float(pending["age"]),
        "parked": owed.parked().count(),
        "failed": results["failed"],
        "tokens": results["tokens"],
        "fan_outs": FanOut.objects.using(using).filter(entity_type=entity_type).count(),
        **_compared_at(entity_type, using),
    }


def _compared_at(entity_type: str, using: str) -> dict[str, Any]:
    passes = SyncProgress.objects.using(using).filter(entity_type=entity_type, finished_at__isnull=False)
    ends: dict[str, Any] = dict(passes.values_list("kind", "finished_at"))
    both = [ends[kind] for kind in ("keys", "orphans") if kind in ends]
    contents = [ends[kind] for kind in ("contents", "full") if kind in ends]
    return {
        "keys_compared_at": min(both) if len(both) == 2 else None,
        "contents_compared_at": max(contents, default=None),
    }
