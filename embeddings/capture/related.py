"""Rows whose content names another row: when that one changes, they are stale."""

from __future__ import annotations

from django.db.models import Model

from embeddings.capture.changes import change_of, record
from embeddings.capture.registry import Embeddable

PART = 1000


def mark_dependants(embeddable: Embeddable, name: str, instance: Model, *, using: str) -> None:
    """Marks every row of the embeddable that points to `instance` by the foreign key `name`, in the saver's transaction."""
    dependants = embeddable.model._base_manager.using(using).filter(**{name: instance}).order_by("pk")
    part = []
    for obj in dependants.iterator(chunk_size=PART):
        part.append(change_of(embeddable, obj))
        if len(part) == PART:
            record(part, using=using)
            part = []
    record(part, using=using)
