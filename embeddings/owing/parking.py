"""Owed work that is parked: no sweep loops on it, and nothing but a retry or a new save takes it up again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from embeddings.conf import settings
from embeddings.models import DirtyEntity, FanOut
from embeddings.owing.changes import PART, Change, Entity
from embeddings.owing.dirty import record
from embeddings.owing.fan_outs import enqueue_fan_outs
from embeddings.parts import parts
from embeddings.payloads import FanOutJobData
from queues import QueuesError

log = logging.getLogger("embeddings")


@dataclass(frozen=True, kw_only=True)
class Parked:
    """Parked work. `path` and the related row's id for a fan-out, else the entity's id."""

    database: str
    entity_type: str
    entity_id: str
    path: str = ""
    reason: str
    parked_at: datetime | None


def park(entity: Entity, *, reason: str, version: int, using: str) -> bool:
    """Parks the entity's row unless it is newer than the version that failed."""
    rows = DirtyEntity.objects.using(using).filter(entity_type=entity[0], entity_id=entity[1], version__lte=version)
    return bool(rows.park(reason))


def park_fan_out(data: FanOutJobData, *, reason: str) -> None:
    """Parks the fan-out rows that the job was for, unless they were renewed since."""
    rows = FanOut.objects.using(data.database).filter(entity_type=data.entity_type, version__lte=data.version)
    rows = rows.filter(transaction_id=data.transaction_id)
    if not data.transaction_id:
        rows = rows.filter(path=data.path, related_id=data.related_id)
    rows.park(reason)


def find_parked(
    *,
    using: str | None = None,
    entity_type: str | None = None,
    entity_ids: Collection[str] | None = None,
    error: str = "",
    most: int | None = None,
) -> list[Parked]:
    """What is parked, the latest first: all, or what fits all of the type, the ids and `error`, a part of the reason; in one database
    or in all of EMBEDDINGS_DATABASES; of entities and of fan-outs `most` each."""
    found: list[Parked] = []
    for database in _databases(using):
        dirty, fan_outs = _parked(database, entity_type, entity_ids, error)
        found += [parked_entity(row, database) for row in dirty[:most]]
        found += [_parked_fan_out(row, database) for row in fan_outs[:most]]
    return found


def parked_entity(row: DirtyEntity, using: str) -> Parked:
    return Parked(database=using, entity_type=row.entity_type, entity_id=row.entity_id, reason=row.parked_reason, parked_at=row.parked_at)


def _parked_fan_out(row: FanOut, using: str) -> Parked:
    return Parked(
        database=using,
        entity_type=row.entity_type,
        entity_id=row.related_id,
        path=row.path,
        reason=row.parked_reason,
        parked_at=row.parked_at,
    )


def retry_parked(
    *, using: str | None = None, entity_type: str | None = None, entity_ids: Collection[str] | None = None, error: str = ""
) -> int:
    """Unparks and enqueues what find_parked finds. Returns how many. Redis being away costs nothing but time: the sweep comes by."""
    count = 0
    for database in _databases(using):
        dirty, fan_outs = _parked(database, entity_type, entity_ids, error)
        for part in parts(dirty.values_list("entity_type", "entity_id").iterator(chunk_size=PART), PART):
            record([Change(entity_type=kind, entity_id=entity_id) for kind, entity_id in part], using=database)
            count += len(part)
        count += _retry_fan_outs(fan_outs, database)
    return count


def _databases(using: str | None) -> Sequence[str]:
    return settings.databases if using is None else (using,)


def _parked(
    using: str, entity_type: str | None, entity_ids: Collection[str] | None, error: str
) -> tuple[QuerySet[DirtyEntity], QuerySet[FanOut]]:
    dirty, fan_outs = DirtyEntity.objects.using(using).parked(), FanOut.objects.using(using).parked()
    if entity_type is not None:
        dirty, fan_outs = dirty.filter(entity_type=entity_type), fan_outs.filter(entity_type=entity_type)
    if entity_ids is not None:
        dirty, fan_outs = dirty.filter(entity_id__in=entity_ids), fan_outs.filter(related_id__in=entity_ids)
    if error:
        dirty, fan_outs = dirty.filter(parked_reason__icontains=error), fan_outs.filter(parked_reason__icontains=error)
    return dirty.order_by("-parked_at", "pk"), fan_outs.order_by("-parked_at", "pk")


def _retry_fan_outs(rows: QuerySet[FanOut], using: str) -> int:
    """They go on where they were: the version, so the position too, stays."""
    found = list(rows)
    FanOut.objects.using(using).filter(pk__in=[row.pk for row in found]).unpark()
    try:
        enqueue_fan_outs(found, using=using)
    except QueuesError as error:
        log.error("The jobs of %d fan-outs did not reach Redis, the sweep will enqueue them: %s", len(found), error)
    return len(found)
