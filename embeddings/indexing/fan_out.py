"""Expanding fan-out rows: marking what leads to changed rows, in batches, each a transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from embeddings.models import FanOut
from embeddings.owing.changes import PART, Change
from embeddings.owing.dirty import record
from embeddings.owing.giving_way import write_in_time
from embeddings.registering.embeddable import Embeddable, owner_text
from embeddings.registering.registry import registry

SINGLE = 100
"""Entities of a batch that get a job each, as saves would give them; more leave in a bulk job."""


def expand(entity_type: str, path: str, related_id: str, *, transaction_id: int = 0, using: str) -> int:
    """Marks the entities that are left, and removes the row unless it was renewed meanwhile. Returns how many were marked.

    With a transaction's id: expands all rows of that transaction. Safe to run twice, and at the same time: whoever begins, begins where
    a batch ended. Raises NotRegistered; FieldError and ValueError for a path or a key that the models do not have (any more).
    """
    rows = FanOut.objects.using(using).filter(entity_type=entity_type, transaction_id=transaction_id)
    if transaction_id:
        return _expand_transaction(rows, entity_type)
    row = rows.filter(path=path, related_id=related_id).first()
    return 0 if row is None else _expand_row(row)


def _expand_transaction(rows: QuerySet[FanOut], entity_type: str) -> int:
    count = last = 0
    while part := list(rows.filter(pk__gt=last).order_by("pk")[:PART]):
        entities = [row for row in part if not row.path]
        count += _mark_named(registry.get(entity_type), [row.related_id for row in entities], rows.db)
        _remove(entities, rows.db)
        count += sum(_expand_row(row) for row in part if row.path)
        last = part[-1].pk
    return count


def _expand_row(row: FanOut) -> int:
    using, position, count = row._state.db or "default", row.position, 0
    embeddable = registry.get(row.entity_type)
    rows = FanOut.objects.using(using).filter(pk=row.pk, version=row.version)
    while True:
        dependants = _next_dependants(embeddable, row, position, using)
        _mark(embeddable, dependants, using)
        count += len(dependants)
        if len(dependants) < PART:
            _remove([row], using)
            return count
        position = str(dependants[-1][0])
        with transaction.atomic(using=using):
            if free := rows.select_for_update(skip_locked=True).first():
                FanOut.objects.using(using).filter(pk=free.pk).update(position=position)
        if not rows.exists():  # renewed, and then its own job begins anew; or another worker was quicker
            return count


def _next_dependants(embeddable: Embeddable, row: FanOut, position: str, using: str) -> list[tuple[Any, Any]]:
    """Keys and owners in the database's order of the keys."""
    dependants = embeddable.model._base_manager.using(using).filter(**{f"{row.path}__pk": row.related_id}).order_by("pk")
    if position:
        dependants = dependants.filter(pk__gt=position)
    return list(dependants.values_list("pk", F(embeddable.owner)).distinct()[:PART])


def _mark_named(embeddable: Embeddable, keys: Sequence[str], using: str) -> int:
    """Those that are gone as well: what is stored of them goes."""
    found = embeddable.model._base_manager.using(using).filter(pk__in=keys).values_list("pk", F(embeddable.owner))
    owners = {str(key): owner for key, owner in found}
    _mark(embeddable, [(key, owners.get(key)) for key in keys], using)
    return len(keys)


def _mark(embeddable: Embeddable, dependants: Sequence[tuple[Any, Any]], using: str) -> None:
    in_bulk = len(dependants) > SINGLE
    is_one_owners = len({owner for _, owner in dependants}) == 1
    changes = [
        Change(
            entity_type=embeddable.entity_type,
            entity_id=str(key),
            owner_id=owner_text(owner) if is_one_owners or not in_bulk else "",
            in_bulk=in_bulk,
        )
        for key, owner in dependants
    ]
    for change in write_in_time(changes, lambda part: record(part, using=using), using=using):
        record([change], using=using)  # by itself it holds nothing while it waits


def _remove(rows: Sequence[FanOut], using: str) -> None:
    """At the version that was read. A row that a saver holds is being renewed; or, rolled back, the sweep's."""
    versions = {row.pk: row.version for row in rows}
    with transaction.atomic(using=using):
        free = FanOut.objects.using(using).filter(pk__in=versions).select_for_update(skip_locked=True)
        done = [pk for pk, version in free.values_list("pk", "version") if versions[pk] == version]
        FanOut.objects.using(using).filter(pk__in=done).delete()
