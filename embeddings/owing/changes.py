"""Marking entities dirty: the row that owes the work, and the job that wakes a worker for it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, router, transaction
from django.db.models import F, Model, QuerySet, TextField
from django.db.models.functions import Cast, Collate

from embeddings.models import DirtyEntity
from embeddings.names import BULK_EMBED, EMBEDDINGS, EXPAND_FAN_OUT, GENERATE_EMBEDDING, Operation
from embeddings.parts import parts
from embeddings.registering.embeddable import Embeddable
from queues import InvalidPayload, QueuesError
from queues.per_transaction import PerTransaction
from queues.publish import deliver, prepare

log = logging.getLogger("embeddings")

PART = 1000
"""Entities a bulk job, and rows a statement."""
OWN_JOB = 100
"""Entities of one owner that are worth bulk jobs of their own."""

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
    in_bulk: bool = False
    """It leaves in a bulk job, however few they are."""

    @property
    def key(self) -> Hashable:
        return self.entity

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


@dataclass(frozen=True, kw_only=True)
class RelatedChange:
    """A fan-out row, or with a `transaction_id` all of that transaction: see FanOut. `version` is the row's, or the latest."""

    entity_type: str
    path: str = ""
    related_id: str = ""
    transaction_id: int = 0
    version: int = 0

    @property
    def key(self) -> Hashable:
        return self.entity_type, self.path, self.related_id, self.transaction_id

    def payload(self, using: str) -> dict[str, Any]:
        return {**asdict(self), "database": using}


def dedupe_key(payload: Any) -> str:
    """One waiting job per entity, and per fan-out row."""
    if "path" in payload:
        parts = (payload[name] for name in ("database", "entity_type", "path", "related_id", "transaction_id"))
        return ":".join(("fan-out", *map(str, parts)))
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
        hand_over(recorded, using=using)


def owe(entities: Iterable[Entity], *, using: str) -> dict[Entity, int]:
    """Writes the dirty rows, each at a new version, and nothing else. Returns the versions."""
    keys = list(entities)
    with connections[using].cursor() as cursor:
        cursor.execute(UPSERT, [[key[0] for key in keys], [key[1] for key in keys]])
        return {(entity_type, entity_id): version for entity_type, entity_id, version in cursor.fetchall()}


def enqueue(changes: Sequence[Change | RelatedChange], *, using: str) -> None:
    """Adds one job per entity and per fan-out unless one waits, all in one call; above a thousand entities bulk jobs.

    Raises QueuesError.
    """
    entities = [change for change in changes if isinstance(change, Change)]
    in_bulk = entities if len(entities) > PART else [change for change in entities if change.in_bulk]
    single = [] if len(entities) > PART else [change for change in entities if not change.in_bulk]
    jobs = [prepare(EMBEDDINGS, BULK_EMBED, payload, priority=BULK_PRIORITY) for payload in bulk_payloads(in_bulk, using=using)]
    named = [(GENERATE_EMBEDDING, change.payload(using)) for change in single]
    named += [(EXPAND_FAN_OUT, change.payload(using)) for change in changes if isinstance(change, RelatedChange)]
    jobs += [prepare(EMBEDDINGS, name, payload, dedupe=dedupe_key(payload)) for name, payload in named]
    if jobs:
        deliver(jobs, using=using)


def bulk_payloads(changes: Iterable[Change], *, using: str) -> Iterator[dict[str, Any]]:
    """Payloads of bulk jobs, a thousand entities of one type each at most: of one owner, who then waits for nobody else's; those of
    owners with few entities go together, without an owner, so that many owners do not make many small jobs."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for change in changes:
        groups[change.entity_type, change.owner_id].append(change.entity_id)
    pooled: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (entity_type, owner_id), entity_ids in groups.items():
        pooled[entity_type, owner_id if len(entity_ids) >= OWN_JOB else ""] += entity_ids
    for (entity_type, owner_id), entity_ids in pooled.items():
        for part in parts(entity_ids, PART):
            yield {"user_id": owner_id, "entity_type": entity_type, "entity_ids": part, "is_owed": True, "database": using}


def hand_over(changes: Sequence[Change | RelatedChange], *, using: str) -> None:
    """Their jobs leave when the open transaction commits, with all others of it."""
    _outbox.add(connections[using], list(changes))


def _send(changes: list[Change | RelatedChange], using: str) -> None:
    """The latest change of each entity. Redis being away costs nothing but time: the sweep comes by."""
    latest = list({change.key: change for change in changes}.values())
    try:
        enqueue(latest, using=using)
    except InvalidPayload as error:
        if len(latest) == 1:
            log.error("No job can name a changed row, so the sweep will park it: %s", error)
            return
        middle = len(latest) // 2  # the others' jobs leave all the same
        _send(latest[:middle], using)
        _send(latest[middle:], using)
    except QueuesError as error:
        log.error("The jobs of %d changed rows did not reach Redis, the sweep will enqueue them: %s", len(latest), error)


_outbox: PerTransaction[Change | RelatedChange] = PerTransaction("changes", lambda changes, using: _send(changes, using))


def pending_changes() -> list[Change]:
    """The entities that this thread's open transactions have captured so far."""
    return [change for change in _outbox.pending() if isinstance(change, Change)]


def change_of(embeddable: Embeddable, obj: Model, operation: Operation = "update") -> Change:
    try:
        owner = embeddable.owner_id(obj)
    except ObjectDoesNotExist:  # deleted along with the row that leads to the owner: it is a hint only
        owner = None
    return Change(
        entity_type=embeddable.entity_type, entity_id=str(obj.pk), owner_id="" if owner is None else str(owner), operation=operation
    )


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
                owner_id="" if owner is None else str(owner),
                operation=operation,
                in_bulk=len(first) > PART,
            )
            for pk, owner in part
        ]
        record(changes, using=rows.db)
        count += len(changes)
    return count
