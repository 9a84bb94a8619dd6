"""Serving a batch of jobs, and whose failure an error is: nobody's, and all is put back uncharged, or that of one entity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from embeddings.exceptions import InvalidInput, OutOfTime, ProviderError
from embeddings.indexing.failures import Failure, Failures
from embeddings.indexing.indexer import index
from embeddings.indexing.trouble import DATABASE_TROUBLE, DISK_FULL, UNDEFINED, is_trouble, sqlstate
from embeddings.owing.changes import Entity
from embeddings.owing.parking import park
from embeddings.payloads import EmbeddingJobData
from queues import Batch, Item, RedisUnavailable, RetryLater

FINAL = (InvalidInput,)
"""The provider would answer the same, and be paid for it, at every further attempt."""
PROVIDER_WAIT_SECONDS = 60.0
"""Where no provider can be made at all."""
DATABASE_WAIT_SECONDS = 2.0
MENDED_WAIT_SECONDS = 60.0
"""Where somebody has to mend it: a full disk, a migration that is missing. What cannot be stored was paid for, and a burst does not
wait so long."""
OUT_OF_TIME_WAIT_SECONDS = 1.0


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
        seconds = MENDED_WAIT_SECONDS if sqlstate(error) in (DISK_FULL, *UNDEFINED) else DATABASE_WAIT_SECONDS
        raise put_back(seconds, str(error).strip()) from error


def fail(item: Item[EmbeddingJobData], failure: Failure) -> None:
    """Charges the item; at its last attempt, or if it is final, the dirty row is parked at the version that failed."""
    if item.job.is_last_attempt or isinstance(failure.error, FINAL):
        park(_entity(item), reason=str(failure), version=failure.version, using=item.data.database)
    item.fail(failure.error)
