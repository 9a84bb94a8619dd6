"""A job that died parks its entity's dirty row, whatever the reason: so nothing is lost and nothing loops."""

from __future__ import annotations

from typing import Any

from embeddings.indexing.sweep import park
from embeddings.names import DELETE_EMBEDDING, GENERATE_EMBEDDING
from queues import Job, signals


def connect() -> None:
    signals.dead.connect(_died, sender=Job, dispatch_uid="embeddings.parking")


def _died(*, job: Job, error: BaseException | None, **_: Any) -> None:
    if (
        job.started_at is not None
        and job.name in (GENERATE_EMBEDDING, DELETE_EMBEDDING)
        and {"entity_type", "entity_id"} <= job.data.keys()
    ):
        entity = (str(job.data["entity_type"]), str(job.data["entity_id"]))
        park(entity, reason=f"{type(error).__name__}: {error}", began_at=job.started_at)
