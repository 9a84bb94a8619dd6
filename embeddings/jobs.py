"""The jobs of this app: ids in, one call out. Payloads are hints; the row in the database decides. All are safe to run twice."""

from __future__ import annotations

from django.db import OperationalError
from pydantic import BaseModel

from embeddings.capture.changes import Change, record
from embeddings.exceptions import InvalidInput, ProviderError
from embeddings.indexing.cleanup import cleanup
from embeddings.indexing.indexer import Failure, index
from embeddings.indexing.sweep import park, sweep
from embeddings.names import (
    BULK_EMBED,
    CLEANUP_EMBEDDINGS,
    DELETE_EMBEDDING,
    EMBEDDINGS,
    GENERATE_EMBEDDING,
    SWEEP_EMBEDDINGS,
    Operation,
)
from queues import Batch, Item, RetryLater, job, schedule

BATCH = 100
PROVIDER_WAIT_SECONDS = 5.0
DATABASE_WAIT_SECONDS = 2.0


class EmbeddingJobData(BaseModel):
    """One entity. `user_id` and `operation` tell people what happened; they decide nothing."""

    user_id: int | str
    entity_type: str
    entity_id: str
    operation: Operation = "update"


class BulkEmbedJobData(BaseModel):
    user_id: int | str
    entity_type: str
    entity_ids: list[str]


@job(name=GENERATE_EMBEDDING, queue=EMBEDDINGS, batch=BATCH)
def generate_embedding(batch: Batch[EmbeddingJobData]) -> None:
    serve(batch)


@job(name=DELETE_EMBEDDING, queue=EMBEDDINGS, batch=BATCH)
def delete_embedding(batch: Batch[EmbeddingJobData]) -> None:
    serve(batch)


@job(name=BULK_EMBED, queue=EMBEDDINGS)
def bulk_embed(data: BulkEmbedJobData) -> None:
    """Owes the work and enqueues it entity by entity, so that one that fails does so alone."""
    changes = [Change(entity_type=data.entity_type, entity_id=entity_id, owner_id=str(data.user_id)) for entity_id in data.entity_ids]
    record(changes)


@job(name=CLEANUP_EMBEDDINGS, queue=EMBEDDINGS)
def cleanup_embeddings() -> int:
    return cleanup().removed


@schedule(every=60)
@job(name=SWEEP_EMBEDDINGS, queue=EMBEDDINGS)
def sweep_embeddings() -> int:
    return sweep()


def serve(batch: Batch[EmbeddingJobData]) -> None:
    """Indexes the batch. What is the provider's fault puts all back uncharged; an entity's own failure is its item's alone."""
    try:
        failures = index((item.data.entity_type, item.data.entity_id) for item in batch)
    except InvalidInput:
        raise
    except ProviderError as error:
        raise RetryLater(error.retry_after or PROVIDER_WAIT_SECONDS, str(error)) from error
    except OperationalError as error:  # the database is away, restarting or broke a deadlock: nobody's own failure
        raise RetryLater(DATABASE_WAIT_SECONDS, str(error).strip()) from error
    for item in batch:
        failure = failures.get((item.data.entity_type, item.data.entity_id))
        if failure is not None:
            fail(item, failure)


def fail(item: Item[EmbeddingJobData], failure: Failure) -> None:
    """Charges the item; at its last attempt the dirty row is parked at the version that failed."""
    if item.job.is_last_attempt:
        reason = f"{type(failure.error).__name__}: {failure.error}"
        park((item.data.entity_type, item.data.entity_id), reason=reason, version=failure.version)
    item.fail(failure.error)
