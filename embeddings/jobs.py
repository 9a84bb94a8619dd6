"""The jobs of this app: ids in, one call out. Payloads are hints; the row in the database decides. All are safe to run twice."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import OperationalError

from embeddings.capture.changes import Change, Entity, record
from embeddings.conf import settings
from embeddings.exceptions import InvalidInput, ProviderError, ProviderMisconfigured
from embeddings.indexing.cleanup import cleanup
from embeddings.indexing.fan_out import expand
from embeddings.indexing.indexer import Failure, Failures, index
from embeddings.indexing.parking import park
from embeddings.indexing.sweep import sweep
from embeddings.names import (
    BULK_EMBED,
    CLEANUP_EMBEDDINGS,
    DELETE_EMBEDDING,
    EMBEDDINGS,
    EXPAND_FAN_OUT,
    GENERATE_EMBEDDING,
    SWEEP_EMBEDDINGS,
)
from embeddings.payloads import BulkEmbedJobData, EmbeddingJobData, FanOutJobData
from queues import Batch, Item, RetryLater, job, schedule

BATCH = 100
PROVIDER_WAIT_SECONDS = 5.0
MISCONFIGURED_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0
DATABASE_WAIT_SECONDS = 2.0


@job(name=GENERATE_EMBEDDING, queue=EMBEDDINGS, batch=BATCH, owner="user_id")
def generate_embedding(batch: Batch[EmbeddingJobData]) -> None:
    serve(batch)


@job(name=DELETE_EMBEDDING, queue=EMBEDDINGS, batch=BATCH, owner="user_id")
def delete_embedding(batch: Batch[EmbeddingJobData]) -> None:
    serve(batch)


@job(name=BULK_EMBED, queue=EMBEDDINGS, owner="user_id")
def bulk_embed(data: BulkEmbedJobData) -> None:
    """Owes the work and enqueues it entity by entity, so that one that fails does so alone."""
    changes = [Change(entity_type=data.entity_type, entity_id=entity_id, owner_id=str(data.user_id)) for entity_id in data.entity_ids]
    record(changes, using=data.database)


@job(name=EXPAND_FAN_OUT, queue=EMBEDDINGS)
def expand_fan_out(data: FanOutJobData) -> int:
    return expand(data.entity_type, data.path, data.related_id, using=data.database)


@job(name=CLEANUP_EMBEDDINGS, queue=EMBEDDINGS)
def cleanup_embeddings() -> int:
    return sum(cleanup(using=using).removed for using in settings.databases)


@schedule(every=settings.sweep_seconds)
@job(name=SWEEP_EMBEDDINGS, queue=EMBEDDINGS)
def sweep_embeddings() -> int:
    return sum(sweep(using=using) for using in settings.databases)


def serve(batch: Batch[EmbeddingJobData]) -> None:
    """Indexes the batch; if that fails as a whole, item by item, so that the one to blame fails alone."""
    try:
        serve_items(batch.items)
    except RetryLater:
        raise
    except Exception:
        if len(batch) == 1:
            raise
        for item in batch:
            try:
                serve_items([item])
            except Exception as error:
                item.fail(error)


def serve_items(items: Sequence[Item[EmbeddingJobData]]) -> None:
    """What is the provider's or the database's fault puts all back uncharged; an entity's own failure is its item's alone."""
    for using in {item.data.database for item in items}:
        of_database = [item for item in items if item.data.database == using]
        failures = _index([(item.data.entity_type, item.data.entity_id) for item in of_database], using)
        for item in of_database:
            failure = failures.get((item.data.entity_type, item.data.entity_id))
            if failure is not None:
                fail(item, failure)


def _index(entities: Sequence[Entity], using: str) -> Failures:
    """Raises RetryLater for what is nobody's own failure."""
    try:
        return index(entities, using=using)
    except InvalidInput:
        raise
    except ProviderMisconfigured as error:
        raise RetryLater(MISCONFIGURED_WAIT_SECONDS, str(error)) from error
    except ProviderError as error:
        raise RetryLater(min(error.retry_after or PROVIDER_WAIT_SECONDS, LONGEST_WAIT_SECONDS), str(error)) from error
    except OperationalError as error:  # the database is away, restarting or broke a deadlock
        raise RetryLater(DATABASE_WAIT_SECONDS, str(error).strip()) from error


def fail(item: Item[EmbeddingJobData], failure: Failure) -> None:
    """Charges the item; at its last attempt the dirty row is parked at the version that failed."""
    if item.job.is_last_attempt:
        reason = f"{type(failure.error).__name__}: {failure.error}"
        park((item.data.entity_type, item.data.entity_id), reason=reason, version=failure.version, using=item.data.database)
    item.fail(failure.error)
