"""A job that died parks its entity's dirty row, whatever the reason: so nothing is lost and nothing loops."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import Now
from pydantic import ValidationError

from embeddings.capture.changes import Entity
from embeddings.models import DirtyEntity, FanOut
from embeddings.names import DELETE_EMBEDDING, EXPAND_FAN_OUT, GENERATE_EMBEDDING
from embeddings.payloads import EmbeddingJobData, FanOutJobData
from queues import Job, signals


def connect() -> None:
    signals.dead.connect(_died, sender=Job, dispatch_uid="embeddings.parking")


def park(entity: Entity, *, reason: str, version: int, using: str) -> bool:
    """Parks the entity's row unless it is newer than the version that failed."""
    rows = DirtyEntity.objects.using(using).pending().filter(entity_type=entity[0], entity_id=entity[1], version__lte=version)
    return bool(rows.update(parked_reason=reason[:2000], parked_at=Now()))


def park_fan_out(data: FanOutJobData, *, reason: str) -> None:
    """Parks the fan-out rows that the job was for, unless they were renewed since."""
    rows = FanOut.objects.using(data.database).pending().filter(entity_type=data.entity_type, version__lte=data.version)
    rows = rows.filter(transaction_id=data.transaction_id)
    if not data.transaction_id:
        rows = rows.filter(path=data.path, related_id=data.related_id)
    rows.update(parked_reason=reason[:2000], parked_at=Now())


def _died(*, job: Job, error: BaseException | None, **_: Any) -> None:
    """For deaths that no handler sees: a stall, a timeout. A row that is newer than the job's hint is not parked: the sweep
    enqueues it with its present version."""
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
    park((data.entity_type, data.entity_id), reason=reason, version=data.version, using=data.database)
