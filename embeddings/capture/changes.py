"""Marking entities dirty: the row that owes the work, and the job that wakes a worker for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, router, transaction
from django.db.models import Model, QuerySet

from embeddings.capture.registry import Embeddable, registry
from embeddings.exceptions import NotRegistered
from embeddings.models import DirtyEntity
from embeddings.names import EMBEDDINGS, GENERATE_EMBEDDING, Operation
from queues import add_jobs

# nextval on insert *and* on conflict: a version never comes twice, not even after the row was served and removed.
UPSERT = """
INSERT INTO embeddings_dirtyentity AS dirty (entity_type, entity_id, version, dirtied_at, enqueued_at, parked_reason)
SELECT entity_type, entity_id, nextval('embeddings_version_seq'), now(), now(), ''
FROM unnest(%s::text[], %s::text[]) AS entity (entity_type, entity_id)
ORDER BY entity_type, entity_id
ON CONFLICT (entity_type, entity_id) DO UPDATE SET
    version = nextval('embeddings_version_seq'),
    dirtied_at = CASE WHEN dirty.parked_reason = '' THEN dirty.dirtied_at ELSE excluded.dirtied_at END,
    enqueued_at = excluded.enqueued_at,
    parked_reason = ''
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A changed entity. `owner_id` and `operation` are hints for whoever reads the queue; the row decides."""

    entity_type: str
    entity_id: str
    owner_id: str = ""
    operation: Operation = "update"

    def payload(self) -> dict[str, Any]:
        return {"user_id": self.owner_id, "entity_type": self.entity_type, "entity_id": self.entity_id, "operation": self.operation}


def dedupe_key(payload: Any) -> str:
    """One waiting job per entity."""
    return f"{payload['entity_type']}:{payload['entity_id']}"


def record(changes: Iterable[Change], *, using: str | None = None) -> None:
    """Writes the dirty rows on this connection, in its transaction if one is open, and enqueues on commit."""
    using = using or router.db_for_write(DirtyEntity)
    entities = {(change.entity_type, change.entity_id): change for change in changes}
    if not entities:
        return
    with transaction.atomic(using=using, savepoint=False):
        owe(entities, using=using)
        enqueue(entities.values(), using=using)


def owe(entities: Iterable[tuple[str, str]], *, using: str | None = None) -> None:
    """Writes the dirty rows of (type, id) pairs, each at a new version, and nothing else."""
    keys = list(entities)
    with connections[using or router.db_for_write(DirtyEntity)].cursor() as cursor:
        cursor.execute(UPSERT, [[key[0] for key in keys], [key[1] for key in keys]])


def enqueue(changes: Iterable[Change], *, using: str | None = None) -> None:
    """Adds one job per entity unless one waits. Redis being away costs nothing but time: the sweep comes by."""
    jobs = [(GENERATE_EMBEDDING, change.payload()) for change in changes]
    add_jobs(EMBEDDINGS, jobs, dedupe=dedupe_key, using=using)


def mark_dirty(objects: QuerySet[Any] | Iterable[Model]) -> int:
    """Marks rows that were written without signals (bulk_create, QuerySet.update, SQL). Returns how many.

    Raises NotRegistered for objects of a model that has no embeddable.
    """
    using = objects.db if isinstance(objects, QuerySet) else None
    count = 0
    part: list[Change] = []
    rows: Iterable[Model] = objects.iterator(chunk_size=1000) if isinstance(objects, QuerySet) else objects
    for obj in rows:
        embeddable = registry.find_by_model(type(obj))
        if embeddable is None:
            raise NotRegistered(f"{type(obj)._meta.label} has no embeddable.")
        part.append(change_of(embeddable, obj))
        count += 1
        if len(part) == 1000:
            record(part, using=using)
            part = []
    record(part, using=using)
    return count


def change_of(embeddable: Embeddable, obj: Model, operation: Operation = "update") -> Change:
    try:
        owner = embeddable.owner_id(obj)
    except ObjectDoesNotExist:  # deleted along with the row that leads to the owner: it is a hint only
        owner = None
    return Change(
        entity_type=embeddable.entity_type, entity_id=str(obj.pk), owner_id="" if owner is None else str(owner), operation=operation
    )
