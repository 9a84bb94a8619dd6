"""Marking entities dirty: the row that owes the work, and the job that wakes a worker for it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, router, transaction
from django.db.models import F, Model, QuerySet, TextField
from django.db.models.functions import Cast, Collate

from embeddings.capture.embeddable import Embeddable
from embeddings.models import DirtyEntity
from embeddings.names import BULK_EMBED, EMBEDDINGS, GENERATE_EMBEDDING, Operation
from embeddings.parts import parts
from queues import QueuesError, add_jobs
from queues.per_transaction import PerTransaction

log = logging.getLogger("embeddings")

PART = 1000
"""Entities a bulk job, and rows a statement."""

BULK_PRIORITY = 10
"""Behind the single jobs, as a person may be waiting for the row just saved."""

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

Entity = tuple[str, str]
"""Entity type and id."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A changed entity. `owner_id` and `operation` are hints for whoever reads the queue; the row decides.

    `version` is that of its dirty row: a job that dies parks no newer one.
    """

    entity_type: str
    entity_id: str
    owner_id: str = ""
    operation: Operation = "update"
    version: int = 0

    @property
    def entity(self) -> Entity:
        return self.entity_type, self.entity_id

    def payload(self, using: str) -> dict[str, Any]:
        return {
            "user_id": self.owner_id,
            "entity_type": self.entity_type,
            "entity_id": self.entity_id,
            "operation": self.operation,
            "version": self.version,
            "database": using,
        }


def dedupe_key(payload: Any) -> str:
    """One waiting job per entity."""
    return f"{payload['database']}:{payload['entity_type']}:{payload['entity_id']}"


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
        _outbox.add(connections[using], recorded)


def owe(entities: Iterable[Entity], *, using: str) -> dict[Entity, int]:
    """Writes the dirty rows, each at a new version, and nothing else. Returns the versions."""
    keys = list(entities)
    with connections[using].cursor() as cursor:
        cursor.execute(UPSERT, [[key[0] for key in keys], [key[1] for key in keys]])
        return {(entity_type, entity_id): version for entity_type, entity_id, version in cursor.fetchall()}


def enqueue(changes: Sequence[Change], *, using: str) -> None:
    """Adds one job per entity unless one waits; above a thousand of them bulk jobs. Raises QueuesError."""
    if len(changes) > PART:
        payloads = bulk_payloads(changes, using=using)
        add_jobs(EMBEDDINGS, [(BULK_EMBED, payload) for payload in payloads], priority=BULK_PRIORITY, using=using)
    elif changes:
        add_jobs(EMBEDDINGS, [(GENERATE_EMBEDDING, change.payload(using)) for change in changes], dedupe=dedupe_key, using=using)


def bulk_payloads(changes: Iterable[Change], *, using: str) -> Iterator[dict[str, Any]]:
    """Payloads of bulk jobs, each of one owner and type and of a thousand entities at most."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in changes:
        groups[change.owner_id, change.entity_type].append(change.entity_id)
    for (owner_id, entity_type), entity_ids in groups.items():
        for part in parts(entity_ids, PART):
            yield {"user_id": owner_id, "entity_type": entity_type, "entity_ids": list(part), "database": using}


def _send(changes: list[Change], using: str) -> None:
    """The latest change of each entity. Redis being away costs nothing but time: the sweep comes by."""
    try:
        enqueue(list({change.entity: change for change in changes}.values()), using=using)
    except QueuesError as error:
        log.error("The jobs of %d changed entities did not reach Redis, the sweep will enqueue them: %s", len(changes), error)


_outbox: PerTransaction[Change] = PerTransaction("changes", _send)


def pending_changes() -> list[Change]:
    """What this thread's open transactions have captured so far."""
    return _outbox.pending()


def change_of(embeddable: Embeddable, obj: Model, operation: Operation = "update") -> Change:
    try:
        owner = embeddable.owner_id(obj)
    except ObjectDoesNotExist:  # deleted along with the row that leads to the owner: it is a hint only
        owner = None
    return Change(
        entity_type=embeddable.entity_type, entity_id=str(obj.pk), owner_id="" if owner is None else str(owner), operation=operation
    )


def record_rows(embeddable: Embeddable, rows: QuerySet[Any], operation: Operation = "update") -> int:
    """Records every row of the queryset, without loading the rows, in the order of the dirty rows. Returns how many."""
    in_order = rows.order_by(Collate(Cast("pk", TextField()), "C")).values_list("pk", F(embeddable.owner))
    count = 0
    for part in parts(in_order.iterator(chunk_size=PART), PART):
        changes = [
            Change(entity_type=embeddable.entity_type, entity_id=str(pk), owner_id="" if owner is None else str(owner), operation=operation)
            for pk, owner in part
        ]
        record(changes, using=rows.db)
        count += len(changes)
    return count
