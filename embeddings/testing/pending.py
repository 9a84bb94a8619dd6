"""Serves what is owed here and now, as workers would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

from embeddings.parts import parts
from embeddings.testing.databases import allowed_databases
from queues.exceptions import EndlessJobs
from queues.testing.running import committing

if TYPE_CHECKING:
    from embeddings.indexing.failures import Failures
    from embeddings.owing.changes import Entity

PART = 1000
ROUNDS = 100


def run_pending(*, propagate: bool = True) -> int:
    """Brings the index into step with all that is owed, in the calling thread, in the test's transaction if there is one.

    Returns how many entities were served, each counted once. Expands fan-out rows and serves dirty rows by the workers' own code,
    without queues: neither a commit nor Redis is needed, and nothing is enqueued. Jobs that wait for these entities stay, and find
    nothing to do. An entity that fails is parked, as after the last attempt of its job; the first failure is raised when all
    have been served, unless `propagate` is false. Rows that are parked already are left alone.
    Raises ProviderError where the provider serves nobody, with the rows still owed; EndlessJobs after a hundred rounds.
    """
    served: set[tuple[str, Entity]] = set()
    failed: list[BaseException] = []
    with _without_jobs():
        for using in allowed_databases():
            for entities, failures in _rounds(using):
                served |= {(using, entity) for entity in entities if entity not in failures}
                failed += _park(failures, using)
    if propagate and failed:
        raise failed[0]
    return len(served)


def _rounds(using: str) -> Iterator[tuple[list[Entity], Failures]]:
    """Serves all that is pending, and what that makes pending, until nothing is. Raises EndlessJobs."""
    from embeddings.indexing.indexer import index
    from embeddings.models import DirtyEntity

    tried: dict[Entity, int] = {}
    for _ in range(ROUNDS):
        _expand_all(using)
        rows = DirtyEntity.objects.using(using).pending().order_by("pk").values_list("entity_type", "entity_id", "version")
        versions = {(entity_type, entity_id): version for entity_type, entity_id, version in rows}
        # A row that is still there at the version that was tried is held by another thread's open transaction.
        owed = {entity: version for entity, version in versions.items() if tried.get(entity) != version}
        if not owed:
            return
        for part in parts(owed, PART):
            yield list(part), index(part, using=using)
        tried |= owed
    raise EndlessJobs(f"After {ROUNDS} rounds there is still work: does indexing an entity change it, or another one?")


def _expand_all(using: str) -> None:
    from embeddings.indexing.fan_out import expand
    from embeddings.models import FanOut

    for row in FanOut.objects.using(using).pending().order_by("pk"):
        expand(row.entity_type, row.path, row.related_id, transaction_id=row.transaction_id, using=using)


def _park(failures: Failures, using: str) -> list[BaseException]:
    """Parks those that failed. Returns their errors, each with a note that says whose it is."""
    from embeddings.owing.parking import park

    for entity, failure in failures.items():
        park(entity, reason=str(failure), version=failure.version, using=using)
        failure.error.add_note("This is the failure of {} {}.".format(*entity))
    return [failure.error for failure in failures.values()]


@contextmanager
def _without_jobs() -> Iterator[None]:
    """What is captured meanwhile is served here: no jobs are sent for it, neither now nor when the test's transaction commits."""
    from embeddings.owing import outbox

    with patch.object(outbox, "enqueue", lambda captured, using: None), committing():
        yield
