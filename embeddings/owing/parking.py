"""A job that died parks its entity's dirty row, whatever the reason: so nothing is lost and nothing loops. And what is parked, retried."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Now
from pydantic import ValidationError

from embeddings.indexing.failures import Failure, record_failures
from embeddings.models import DirtyEntity, EmbeddingModel, FanOut
from embeddings.names import DELETE_EMBEDDING, EXPAND_FAN_OUT, GENERATE_EMBEDDING
from embeddings.owing.changes import PART, Change, Entity, record
from embeddings.owing.fan_outs import enqueue_fan_outs
from embeddings.parts import parts
from embeddings.payloads import EmbeddingJobData, FanOutJobData
from queues import Job, JobStalled, QueuesError, signals

log = logging.getLogger("embeddings")


@dataclass(frozen=True, kw_only=True)
class Parked:
    """Work that nothing but a retry or a new save takes up again. `path` and the related row's id for a fan-out, else the entity's id."""

    database: str
    entity_type: str
    entity_id: str
    path: str = ""
    reason: str
    parked_at: datetime | None


def connect() -> None:
    signals.dead.connect(_died, sender=Job, dispatch_uid="embeddings.parking")


def park(entity: Entity, *, reason: str, version: int, using: str) -> bool:
    """Parks the entity's row unless it is newer than the version that failed."""
    rows = DirtyEntity.objects.using(using).pending().filter(entity_type=entity[0], entity_id=entity[1], version__lte=version)
    return bool(rows.update(parked_reason=reason[:2000], parked_at=Now()))


def find_parked(
    *,
    using: str = "default",
    entity_type: str | None = None,
    entity_ids: Collection[str] | None = None,
    error: str = "",
    most: int | None = None,
) -> list[Parked]:
    """What is parked, the latest first: all, or what fits all of the type, the ids and `error`, a part of the reason; of entities and
    of fan-outs `most` each."""
    dirty, fan_outs = _parked(using, entity_type, entity_ids, error)
    related = [
        Parked(
            database=using,
            entity_type=row.entity_type,
            entity_id=row.related_id,
            path=row.path,
            reason=row.parked_reason,
            parked_at=row.parked_at,
        )
        for row in fan_outs[:most]
    ]
    return [*(parked_entity(row, using) for row in dirty[:most]), *related]


def parked_entity(row: DirtyEntity, using: str) -> Parked:
    return Parked(database=using, entity_type=row.entity_type, entity_id=row.entity_id, reason=row.parked_reason, parked_at=row.parked_at)


def retry_parked(
    *, using: str = "default", entity_type: str | None = None, entity_ids: Collection[str] | None = None, error: str = ""
) -> int:
    """Unparks and enqueues what find_parked finds. Returns how many. Redis being away costs nothing but time: the sweep comes by."""
    dirty, fan_outs = _parked(using, entity_type, entity_ids, error)
    count = 0
    for part in parts(dirty.values_list("entity_type", "entity_id").iterator(chunk_size=PART), PART):
        record([Change(entity_type=kind, entity_id=entity_id) for kind, entity_id in part], using=using)
        count += len(part)
    return count + _retry_fan_outs(fan_outs, using)


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
    FanOut.objects.using(using).filter(pk__in=[row.pk for row in found]).update(parked_reason="", parked_at=None)
    try:
        enqueue_fan_outs(found, using=using)
    except QueuesError as error:
        log.error("The jobs of %d fan-outs did not reach Redis, the sweep will enqueue them: %s", len(found), error)
    return len(found)


def park_fan_out(data: FanOutJobData, *, reason: str) -> None:
    """Parks the fan-out rows that the job was for, unless they were renewed since."""
    rows = FanOut.objects.using(data.database).pending().filter(entity_type=data.entity_type, version__lte=data.version)
    rows = rows.filter(transaction_id=data.transaction_id)
    if not data.transaction_id:
        rows = rows.filter(path=data.path, related_id=data.related_id)
    rows.update(parked_reason=reason[:2000], parked_at=Now())


def _died(*, job: Job, error: BaseException | None, **_: Any) -> None:
    """For deaths that no handler sees: a stall, a timeout. A row that is newer than the job's hint is not parked: the sweep
    enqueues it with its present version. Nor is what a bulk job leaves: the sweep enqueues it one by one, and the one to blame dies alone.
    """
    if job.started_at is None or job.name not in (GENERATE_EMBEDDING, DELETE_EMBEDDING, EXPAND_FAN_OUT):
        return
    reason = f"{type(error).__name__}: {error}"
    try:
        if job.name == EXPAND_FAN_OUT:
            park_fan_out(FanOutJobData.model_validate(job.data), reason=reason)
            return
        data = EmbeddingJobData.model_validate(job.data)
    except ValidationError:
        return
    entity = (data.entity_type, data.entity_id)
    failure = Failure(error=error or JobStalled("it died without an error"), version=data.version)
    if park(entity, reason=str(failure), version=data.version, using=data.database):
        record_failures({entity: failure}, EmbeddingModel.objects.using(data.database).active())
