"""Embedding in this process, without workers and without Redis's queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from embeddings.backfill.candidates import Candidate
from embeddings.backfill.marking import mark
from embeddings.backfill.selection import Target
from embeddings.capture.changes import Entity
from embeddings.exceptions import ProviderError
from embeddings.indexing.failures import Failures
from embeddings.indexing.indexer import index
from embeddings.indexing.parking import park
from embeddings.parts import parts

BATCH = 100
WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0


def embed_here(target: Target, found: Sequence[Candidate], wait: Callable[[float, ProviderError], None]) -> Iterator[int]:
    """Owes and embeds these entities, and yields the number of each batch that is done. Failing ones are parked with the reason.

    What nobody is to blame for is waited for: `wait(seconds, error)`. Raises ProviderError for what will not pass by itself; what
    is left is owed then.
    """
    mark(target, [candidate for candidate in found if not candidate.is_owed], enqueue=False)
    for batch in parts(found, BATCH):
        failures = _index([(target.entity_type, candidate.entity_id) for candidate in batch], target.using, wait)
        for entity, failure in failures.items():
            reason = f"{type(failure.error).__name__}: {failure.error}"
            park(entity, reason=reason, version=failure.version, using=target.using)
        yield len(batch)


def _index(entities: list[Entity], using: str, wait: Callable[[float, ProviderError], None]) -> Failures:
    """The one place where entities are embedded; batches that were stored before an error cost a look only."""
    while True:
        try:
            return index(entities, using=using)
        except ProviderError as error:
            if not error.retryable:
                raise
            wait(min(error.retry_after or WAIT_SECONDS, LONGEST_WAIT_SECONDS), error)
