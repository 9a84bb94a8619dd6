"""Owing the work of a backfill, in parts that are a transaction each, with jobs that run after everybody's own."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from embeddings.backfill.candidates import Candidate
from embeddings.backfill.selection import Target
from embeddings.capture.changes import BULK_PRIORITY, Change, bulk_payloads, owe
from embeddings.models import EmbeddingState
from embeddings.names import BULK_EMBED, EMBEDDINGS
from queues import add_jobs


def mark(target: Target, part: Sequence[Candidate], *, enqueue: bool = True) -> None:
    """Owes these entities in one transaction, and enqueues them on its commit. Those that are not trusted are embedded again even if
    their content is the same."""
    if not part:
        return
    with transaction.atomic(using=target.using):
        owe([(target.entity_type, candidate.entity_id) for candidate in part], using=target.using)
        _distrust(target, [candidate.entity_id for candidate in part if not candidate.is_trusted])
        if enqueue:
            _enqueue(target, part)


def _distrust(target: Target, ids: Sequence[str]) -> None:
    """Empties the hashes by which content is found unchanged. Locked in the order in which workers store."""
    states = EmbeddingState.objects.using(target.using).filter(entity_type=target.entity_type, entity_id__in=ids)
    locked = states.exclude(content_hash="").order_by("entity_type", "entity_id").select_for_update()
    states.filter(pk__in=list(locked.values_list("pk", flat=True))).update(content_hash="")


def _enqueue(target: Target, part: Sequence[Candidate]) -> None:
    changes = [Change(entity_type=target.entity_type, entity_id=entity.entity_id, owner_id=entity.owner_id) for entity in part]
    payloads = bulk_payloads(changes, using=target.using)
    add_jobs(EMBEDDINGS, [(BULK_EMBED, payload) for payload in payloads], priority=BULK_PRIORITY, using=target.using)
