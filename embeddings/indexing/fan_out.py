"""Expanding a fan-out row: marking what depends on a changed row, in batches, each a transaction of its own."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from embeddings.capture.changes import PART, record_rows
from embeddings.capture.embeddable import Embeddable
from embeddings.capture.registry import registry
from embeddings.models import FanOut


def expand(entity_type: str, path: str, related_id: str, *, using: str) -> int:
    """Marks the dependants that are left, and removes the row unless it was renewed meanwhile. Returns how many were marked.

    Safe to run twice, and at the same time: each batch begins where the last one of whoever did it ended.
    """
    rows = FanOut.objects.using(using).filter(entity_type=entity_type, path=path, related_id=related_id)
    embeddable = registry.get(entity_type)
    count = 0
    while True:
        with transaction.atomic(using=using):
            row = rows.select_for_update().first()
            if row is None:
                return count
            keys = _next_keys(embeddable, row, using)
            if len(keys) < PART:
                rows.delete()
            else:
                rows.update(position=str(keys[-1]))
            count += record_rows(embeddable, embeddable.model._base_manager.using(using).filter(pk__in=keys))


def _next_keys(embeddable: Embeddable, row: FanOut, using: str) -> list[Any]:
    dependants = embeddable.model._base_manager.using(using).filter(**{row.path: row.related_id}).order_by("pk")
    if row.position:
        dependants = dependants.filter(pk__gt=row.position)
    return list(dependants.values_list("pk", flat=True).distinct()[:PART])
