"""The jobs of this app: ids in, one call out. Payloads are hints; the row in the database decides. All are safe to run twice."""

from __future__ import annotations

import logging

from embeddings.conf import settings
from embeddings.indexing.bulk import TIMEOUT_SECONDS, embed_all
from embeddings.indexing.fan_out import expand
from embeddings.indexing.probing import probe_providers
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
from embeddings.owing.changes import PART, Change
from embeddings.owing.enqueueing import BULK_PRIORITY, bulk_payloads
from embeddings.owing.giving_way import owe_missing
from embeddings.payloads import BulkEmbedJobData, EmbeddingJobData, FanOutJobData
from embeddings.reconciling.cleanup import cleanup
from embeddings.reconciling.counting import count_all
from embeddings.reconciling.reconciler import tick
from embeddings.serving import FINAL, serve, uncharged
from queues import Batch, RedisUnavailable, RetryLater, add_jobs, current_job, job, report_progress, schedule

log = logging.getLogger("embeddings")

BATCH = 100
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
