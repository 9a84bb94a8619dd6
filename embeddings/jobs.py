"""The jobs of this app: ids in, one call out. Payloads are hints; the row in the database decides. All are safe to run twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from embeddings.capture.changes import BULK_PRIORITY, PART, Change, Entity, bulk_payloads
from embeddings.conf import settings
from embeddings.exceptions import InvalidInput, OutOfTime, ProviderError
from embeddings.indexing.bulk import TIMEOUT_SECONDS, embed_all
from embeddings.indexing.failures import Failure, Failures
from embeddings.indexing.fan_out import expand
from embeddings.indexing.indexer import index
from embeddings.indexing.owing import owe_missing
from embeddings.indexing.parking import park
from embeddings.indexing.probing import probe_providers
from embeddings.indexing.trouble import DATABASE_TROUBLE, DISK_FULL, is_trouble, sqlstate
from embeddings.names import (
    BULK_EMBED,
    CLEANUP_EMBEDDINGS,
    COUNT_EMBEDDINGS,
    DELETE_EMBEDDING,
    EMBEDDINGS,
    EXPAND_FAN_OUT,
    GENERATE_EMBEDDING,
    SWEEP_EMBEDDINGS,
)
from embeddings.payloads import BulkEmbedJobData, EmbeddingJobData, FanOutJobData
from embeddings.reconciling.cleanup import cleanup
from embeddings.reconciling.counting import count_all
from embeddings.reconciling.reconciler import tick
from queues import Batch, Item, RedisUnavailable, RetryLater, add_jobs, current_job, job, report_progress, schedule

log = logging.getLogger("embeddings")

BATCH = 100
PROVIDER_WAIT_SECONDS = 60.0
"""Where no provider can be made at all."""
DATABASE_WAIT_SECONDS = 2.0
FULL_WAIT_SECONDS = 30.0
"""What cannot be stored was paid for."""
FINAL = (InvalidInput,)
"""The provider would answer the same, and be paid for it, at every further attempt."""
OUT_OF_TIME_WAIT_SECONDS = 1.0
COUNT_SECONDS = 3600
COUNT_TIMEOUT_SECONDS = 900


@job(name=GENERATE_EMBEDDING, queue=EMBEDDINGS, batch=BATCH, owner="user_id", give_up_on=FINAL)
def generate_embedding(batch: Batch[EmbeddingJobData]) -> None:
    serve(batch)


@job(name=DELETE_EMBEDDING, queue=EMBEDDINGS, batch=BATCH, owner="user_id", give_up_on=FINAL)
def delete_embedding(batch: Batch[EmbeddingJobData]) -> None:
    serve(batch)


class Unfinished(RetryLater):
    """The work is owed, but a part of it was not done: another run goes on with that."""


@job(name=BULK_EMBED, queue=EMBEDDINGS, owner="user_id", timeout=TIMEOUT_SECONDS)
def bulk_embed(data: BulkEmbedJobData) -> None:
    """Serves the entities itself; above a thousand it becomes jobs of a thousand. The work is owed first, so that no failure loses it."""
    entities = [(data.entity_type, entity_id) for entity_id in sorted(set(data.entity_ids))]
    running = current_job()
    with uncharged():
        if not data.is_owed and (running is None or running.refresh().error_class != Unfinished.__name__):
            owe_missing(entities, using=data.database)
    with uncharged(Unfinished):
        if len(entities) > PART:
            changes = [Change(entity_type=kind, entity_id=entity_id, owner_id=str(data.user_id)) for kind, entity_id in entities]
            payloads = bulk_payloads(changes, using=data.database)
            add_jobs(EMBEDDINGS, [(BULK_EMBED, payload) for payload in payloads], priority=BULK_PRIORITY)
        else:
            embed_all(entities, using=data.database, owner_id=str(data.user_id), report=report)
    report(100)


def report(percent: int) -> None:
    """Raises JobCancelled where the job is to stop. Nobody knowing how far it is stops nothing."""
    if current_job() is not None:
        try:
            report_progress(percent)
        except RedisUnavailable as error:
            log.warning("The progress of a bulk job did not reach Redis: %s", error)


@job(name=EXPAND_FAN_OUT, queue=EMBEDDINGS)
def expand_fan_out(data: FanOutJobData) -> int:
    with uncharged():
        return expand(data.entity_type, data.path, data.related_id, transaction_id=data.transaction_id, using=data.database)


@job(name=CLEANUP_EMBEDDINGS, queue=EMBEDDINGS)
def cleanup_embeddings() -> int:
    with uncharged():
        return sum(result.removed for using in settings.databases for result in cleanup(using=using))


@schedule(every=COUNT_SECONDS)
@job(name=COUNT_EMBEDDINGS, queue=EMBEDDINGS, timeout=COUNT_TIMEOUT_SECONDS)
def count_embeddings() -> int:
    with uncharged():
        return sum(count_all(using=using) for using in settings.databases)


@schedule(every=settings.sweep_seconds)
@job(name=SWEEP_EMBEDDINGS, queue=EMBEDDINGS)
def sweep_embeddings() -> int:
    with uncharged():
        for using in settings.databases:
            probe_providers(using=using)
        return sum(tick(using=using) for using in settings.databases)


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
        here = [item for item in items if item.data.database == using]
        by_hand = {_entity(item) for item in here if not item.data.version}
        failures: Failures = {}
        with uncharged():
            try:
                index(map(_entity, here), using=using, look=by_hand, failures=failures)
            finally:
                for item in here:
                    if failure := failures.get(_entity(item)):
                        fail(item, failure)


def _entity(item: Item[EmbeddingJobData]) -> Entity:
    return item.data.entity_type, item.data.entity_id


@contextmanager
def uncharged(put_back: type[RetryLater] = RetryLater) -> Iterator[None]:
    """Puts the job back, as what is raised within is nobody's own failure; what is passes through."""
    try:
        yield
    except ProviderError as error:  # waits as long as the gate says
        raise put_back(error.retry_after or PROVIDER_WAIT_SECONDS, str(error)) from error
    except OutOfTime as error:
        raise put_back(OUT_OF_TIME_WAIT_SECONDS, str(error)) from error
    except RedisUnavailable as error:
        raise put_back(DATABASE_WAIT_SECONDS, str(error)) from error
    except DATABASE_TROUBLE as error:
        if not is_trouble(error):
            raise
        raise put_back(FULL_WAIT_SECONDS if sqlstate(error) == DISK_FULL else DATABASE_WAIT_SECONDS, str(error).strip()) from error


def fail(item: Item[EmbeddingJobData], failure: Failure) -> None:
    """Charges the item; at its last attempt, or if it is final, the dirty row is parked at the version that failed."""
    if item.job.is_last_attempt or isinstance(failure.error, FINAL):
        park(_entity(item), reason=str(failure), version=failure.version, using=item.data.database)
    item.fail(failure.error)
