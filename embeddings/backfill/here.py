"""Embedding in this process, without workers and without Redis's queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from embeddings.backfill.candidates import Candidate
from embeddings.backfill.marking import mark
from embeddings.backfill.selection import Target
from embeddings.exceptions import OutOfTime, ProviderError
from embeddings.indexing.bulk import serve_all
from embeddings.indexing.failures import Failures
from embeddings.owing.parking import park

WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0

Wait = Callable[[float, ProviderError], None]


def embed_here(target: Target, found: Sequence[Candidate], wait: Wait, tell: Callable[[int], None]) -> None:
    """Owes and embeds these entities, and tells how many more are done, time and again. Failing ones are parked with the reason.

    What nobody is to blame for is waited for: `wait(seconds, error)`. Raises ProviderError for what will not pass by itself; what
    is left is owed then.
    """
    mark(target, [candidate for candidate in found if not candidate.is_owed], enqueue=False)
    entities = [(target.entity_type, candidate.entity_id) for candidate in found]
    done = 0

    def on_step(failures: Failures, served: int) -> None:
        nonlocal done
        for entity, failure in failures.items():
            park(entity, reason=str(failure), version=failure.version, using=target.using)
        tell(max(0, served - done))
        done = max(served, done)

    while True:  # what was stored before an error costs a look only
        try:
            return serve_all(entities, using=target.using, on_step=on_step)
        except OutOfTime:
            continue
        except ProviderError as error:
            if not error.retryable:
                raise
            wait(min(error.retry_after or WAIT_SECONDS, LONGEST_WAIT_SECONDS), error)
