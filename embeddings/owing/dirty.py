"""Dirty rows: each owes the index one entity, at a version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from django.db import connections, router, transaction
from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast, Collate

from embeddings.models import DirtyEntity
from embeddings.names import Operation
from embeddings.owing.changes import PART, Change, Entity
from embeddings.owing.outbox import hand_over
from embeddings.parts import parts
from embeddings.registering.embeddable import Embeddable, owner_text

# nextval on insert *and* on conflict: a version never comes twice, not even after the row was served and removed.
# In one order everywhere, that of the bytes, so that no two statements wait for each other's rows.
UPSERT = """
INSERT INTO embeddings_dirtyentity AS dirty (entity_type, entity_id, version, dirtied_at, enqueued_at, parked_reason)
SELECT entity_type, entity_id, nextval('embeddings_version_seq'), now(), now(), ''
FROM unnest(%s::text[], %s::text[]) AS entity (entity_type, entity_id)
ORDER BY entity_type COLLATE "C", entity_id COLLATE "C"
ON CONFLICT (entity_type, entity_id) DO UPDATE SET
    version = nextval('embeddings_version_seq'),
    dirtied_at = CASE WHEN dirty.parked_reason = '' THEN dirty.dirtied_at ELSE excluded.dirtied_at END,
    enqueued_at = excluded.enqueued_at,
    parked_reason = '', parked_at = NULL
RETURNING entity_type, entity_id, version
"""


def record(changes: Iterable[Change], *, using: str | None = None) -> None:
    """Writes the dirty rows on this connection, in its transaction if one is open, and enqueues on commit.

    Whatever the transaction records leaves in one call, an entity once.
    """
    using = using or router.db_for_write(DirtyEntity)
    by_entity = {change.entity: change for change in changes}
    if not by_entity:
        return
    with transaction.atomic(using=using, savepoint=False):
        versions = owe(by_entity, using=using)
        recorded = [replace(change, version=versions[entity]) for entity, change in by_entity.items()]
        hand_over(recorded, using=using)


def owe(entities: Iterable[Entity], *, using: str) -> dict[Entity, int]:
    """Writes the dirty rows, each at a new version, and nothing else. Returns the versions."""
    keys = list(entities)
    with connections[using].cursor() as cursor:
        cursor.execute(UPSERT, [[key[0] for key in keys], [key[1] for key in keys]])
        return {(entity_type, entity_id): version for entity_type, entity_id, version in cursor.fetchall()}


def record_rows(embeddable: Embeddable, rows: QuerySet[Any], operation: Operation = "update") -> int:
    """Records every row of the queryset, without loading the rows, in the order of the dirty rows. Returns how many.

    More than a thousand leave in bulk jobs, also outside of a transaction, where each part is one of its own.
    """
    in_order = rows.order_by(Collate(Cast("pk", TextField()), "C")).values_list("pk", F(embeddable.owner)).iterator(chunk_size=PART)
    first = list(islice(in_order, PART + 1))
    count = 0
    for part in parts(chain(first, in_order), PART):
        changes = [
            Change(
                entity_type=embeddable.entity_type,
                entity_id=str(pk),
                owner_id=owner_text(owner),
                operation=operation,
                in_bulk=len(first) > PART,
            )
            for pk, owner in part
        ]
        record(changes, using=rows.db)
        count += len(changes)
    return count


def read_versions(entities: Sequence[Entity], *, using: str, parked: bool = True) -> dict[Entity, int]:
    """The versions of those that are owed work, in the order of `entities`."""
    rows = DirtyEntity.objects.using(using) if parked else DirtyEntity.objects.using(using).pending()
    rows = rows.filter(entity_type__in={entity[0] for entity in entities}, entity_id__in=[entity[1] for entity in entities])
    found = {
        (entity_type, entity_id): version for entity_type, entity_id, version in rows.values_list("entity_type", "entity_id", "version")
    }
    return {entity: found[entity] for entity in entities if entity in found}
