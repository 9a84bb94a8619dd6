"""Writing fan-out rows, in the saver's transaction.

A saver marks no dependants itself: it has not locked their rows, so two savers who touch the same dependants in different
orders, or one of them the dependants themselves, would wait for each other. It writes rows that only who waits for its own row anyway
could wait for, or nobody at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connections, transaction

from embeddings.models import FanOut
from embeddings.owing.changes import RelatedChange
from embeddings.owing.enqueueing import enqueue
from embeddings.owing.outbox import hand_over
from embeddings.registering.embeddable import Embeddable

UPSERT = """
INSERT INTO embeddings_fanout AS fan_out
    (entity_type, path, related_id, transaction_id, position, version, dirtied_at, enqueued_at, parked_reason)
SELECT %s, %s, related_id, CASE WHEN %s THEN pg_current_xact_id()::text::bigint ELSE 0 END,
    '', nextval('embeddings_version_seq'), now(), now(), ''
FROM unnest(%s::text[]) AS changed (related_id) ORDER BY related_id COLLATE "C"
ON CONFLICT (entity_type, transaction_id, path, related_id) DO UPDATE SET
    position = '',
    version = nextval('embeddings_version_seq'),
    dirtied_at = CASE WHEN fan_out.parked_reason = '' THEN fan_out.dirtied_at ELSE excluded.dirtied_at END,
    enqueued_at = excluded.enqueued_at,
    parked_reason = '', parked_at = NULL
RETURNING related_id, transaction_id, version
"""


def fan_out(embeddable: Embeddable, path: str, related_ids: Iterable[Any], *, using: str) -> None:
    """Owes the marking of all that leads to these rows by `path`, whatever their number. The caller's transaction has locked the rows."""
    with transaction.atomic(using=using, savepoint=False):
        versions = _upsert(embeddable, path, list(dict.fromkeys(related_ids)), using, is_own=False)
        changes = [
            RelatedChange(entity_type=embeddable.entity_type, path=path, related_id=related_id, version=version)
            for related_id, (_, version) in versions.items()
        ]
        hand_over(changes, using=using)


def fan_out_unlocked(embeddable: Embeddable, path: str, related_ids: Iterable[Any], *, using: str) -> None:
    """The same for rows that the caller's transaction has not saved, and with an empty path for entities themselves: in rows of this
    transaction alone, which one job expands together."""
    with transaction.atomic(using=using, savepoint=False):
        if keys := list(dict.fromkeys(related_ids)):
            transaction_id, version = max(_upsert(embeddable, path, keys, using, is_own=True).values())
            change = RelatedChange(entity_type=embeddable.entity_type, transaction_id=transaction_id, version=version)
            hand_over([change], using=using)


def enqueue_fan_outs(rows: Sequence[FanOut], *, using: str) -> None:
    """Sends jobs for the rows on their way once more. Raises QueuesError."""
    changes = {change.key: change for change in map(_change, rows)}
    enqueue(list(changes.values()), using=using)
    FanOut.objects.using(using).filter(pk__in=[row.pk for row in rows]).mark_enqueued()


def _upsert(embeddable: Embeddable, path: str, keys: list[Any], using: str, *, is_own: bool) -> dict[str, tuple[int, int]]:
    """Transaction id and version of each row, by the related row's key."""
    with connections[using].cursor() as cursor:
        cursor.execute(UPSERT, [embeddable.entity_type, path, is_own, [str(key) for key in keys]])
        return {related_id: (transaction_id, version) for related_id, transaction_id, version in cursor.fetchall()}


def _change(row: FanOut) -> RelatedChange:
    if row.transaction_id:
        return RelatedChange(entity_type=row.entity_type, transaction_id=row.transaction_id, version=row.version)
    return RelatedChange(entity_type=row.entity_type, path=row.path, related_id=row.related_id, version=row.version)
