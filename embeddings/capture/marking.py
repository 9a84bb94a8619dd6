"""Marking by hand what was written without signals."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import router
from django.db.models import Model, QuerySet

from embeddings.owing.changes import PART, change_of
from embeddings.owing.dirty import record, record_rows
from embeddings.parts import parts
from embeddings.registering.registry import registry


def mark_dirty(objects: QuerySet[Any] | Iterable[Model]) -> int:
    """Owes and enqueues rows that were written without signals (bulk_create, QuerySet.update, SQL). Returns how many.

    A queryset is read by keys alone, a thousand at a time. Raises NotRegistered for a model that has no embeddable.
    """
    if isinstance(objects, QuerySet):
        return record_rows(registry.get_by_model(objects.model), objects)
    count = 0
    for part in parts(objects, PART):
        for using in {_database(obj) for obj in part}:
            changes = [change_of(registry.get_by_model(type(obj)), obj) for obj in part if _database(obj) == using]
            record(changes, using=using)
            count += len(changes)
    return count


def _database(obj: Model) -> str:
    return obj._state.db or router.db_for_write(type(obj), instance=obj)
