"""The jobs that wake workers for what is owed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from embeddings.names import BULK_EMBED, EMBEDDINGS
from embeddings.owing.changes import PART, Change, RelatedChange
from embeddings.parts import parts
from queues.publish import deliver, prepare

OWN_JOB = 100
"""Entities of one owner that are worth bulk jobs of their own."""

BULK_PRIORITY = 10
"""Behind the single jobs, as a person may be waiting for the row just saved."""


def enqueue(changes: Sequence[Change | RelatedChange], *, using: str) -> None:
    """Adds one job per entity and per fan-out unless one waits, all in one call; above a thousand entities bulk jobs.

    Raises QueuesError.
    """
    entities = [change for change in changes if isinstance(change, Change)]
    is_many = len(entities) > PART
    in_bulk = [change for change in entities if change.in_bulk or is_many]
    single = [change for change in changes if isinstance(change, RelatedChange) or not (change.in_bulk or is_many)]
    jobs = [prepare(EMBEDDINGS, BULK_EMBED, payload, priority=BULK_PRIORITY) for payload in bulk_payloads(in_bulk, using=using)]
    jobs += [prepare(EMBEDDINGS, change.job_name, change.payload(using), dedupe=change.dedupe_key(using)) for change in single]
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
