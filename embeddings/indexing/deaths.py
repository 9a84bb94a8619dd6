"""A job that died parks what it was for, whatever the reason: so nothing is lost and nothing loops."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from embeddings.indexing.failures import Failure, record_failures
from embeddings.models import EmbeddingModel
from embeddings.names import DELETE_EMBEDDING, EXPAND_FAN_OUT, GENERATE_EMBEDDING
from embeddings.owing.parking import park, park_fan_out
from embeddings.payloads import EmbeddingJobData, FanOutJobData
from queues import Job, JobStalled, signals


def connect() -> None:
    signals.dead.connect(_died, sender=Job, dispatch_uid="embeddings.deaths")


def _died(*, job: Job, error: BaseException | None, **_: Any) -> None:
    """For deaths that no handler sees: a stall, a timeout. A row that is newer than the job's hint is not parked: the sweep
    enqueues it with its present version. Nor is what a bulk job leaves: the sweep enqueues it one by one, and the one to blame dies alone.
    """
    if job.started_at is None or job.name not in (GENERATE_EMBEDDING, DELETE_EMBEDDING, EXPAND_FAN_OUT):
        return
    kind = FanOutJobData if job.name == EXPAND_FAN_OUT else EmbeddingJobData
    try:
        data = kind.model_validate(job.data)
    except ValidationError:
        return
    failure = Failure(error=error or JobStalled("it died without an error"), version=data.version)
    if isinstance(data, FanOutJobData):
        park_fan_out(data, reason=str(failure))
        return
    entity = (data.entity_type, data.entity_id)
    if park(entity, reason=str(failure), version=data.version, using=data.database):
        record_failures({entity: failure}, EmbeddingModel.objects.using(data.database).active())
