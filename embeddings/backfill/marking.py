"""Owing the work of a backfill, in parts that are a transaction each, with jobs that run after everybody's own."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from embeddings.backfill.candidates import Candidate
from embeddings.backfill.selection import Target
from embeddings.owing.changes import Change
from embeddings.owing.dirty import owe, record
from embeddings.owing.giving_way import write_in_time
from embeddings.reconciling.mending import forget_contents


def mark(target: Target, part: Sequence[Candidate], *, enqueue: bool = True) -> None:
    """Owes these entities in one transaction, unless savers are in the way, and enqueues them on its commit. Those that are not trusted
    are embedded again even if their content is the same."""

    def write(candidates: Sequence[Candidate]) -> None:
        changes = [
            Change(entity_type=target.entity_type, entity_id=candidate.entity_id, owner_id=candidate.owner_id, in_bulk=True)
            for candidate in candidates
        ]
        if enqueue:
            record(changes, using=target.using)
        else:
            owe([change.entity for change in changes], using=target.using)
        forget_contents(target.entity_type, [candidate.entity_id for candidate in candidates if not candidate.is_trusted], target.model)

    for candidate in write_in_time(part, write, using=target.using) if part else ():
        with transaction.atomic(using=target.using):  # by itself it holds nothing while it waits
            write([candidate])
