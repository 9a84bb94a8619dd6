"""Embedding again what is there."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from embeddings.backfill.candidates import Candidate
from embeddings.backfill.marking import mark
from embeddings.backfill.selection import Selection, Target, keys_in_parts, targets
from embeddings.models import EmbeddingModel
from embeddings.registering.registry import registry


def reindex(what: QuerySet[Any] | str | None = None, *, force: bool = False, using: str | None = None) -> int:
    """Owes every row of a queryset, of an entity type, or of all types, and enqueues them as bulk jobs. Returns how many.

    A row whose content is as it was stored costs no provider call; with `force` what is stored is not trusted and all is embedded
    again. `using` is the queryset's database, or all of EMBEDDINGS_DATABASES, by default. Safe to run again after an interruption.
    Raises NotRegistered for a model that has no embeddable, or an unknown entity type.
    """
    if isinstance(what, QuerySet):
        rows = what if using is None else what.using(using)
        model = EmbeddingModel.objects.using(rows.db).active()
        return _reindex(Target(embeddable=registry.get_by_model(rows.model), model=model), rows, force=force)
    found = targets(None if what is None else [what], using=using)
    return sum(_reindex(target, Selection().rows(target), force=force) for target in found)


def _reindex(target: Target, rows: QuerySet[Any], *, force: bool) -> int:
    count = 0
    for keys in keys_in_parts(rows, target.embeddable):
        mark(target, [Candidate(entity_id=str(pk), owner_id=owner, is_trusted=not force) for pk, owner in keys])
        count += len(keys)
    return count
