"""What was found wrong is owed, as if its row had been saved."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import OperationalError, connections, transaction

from embeddings.capture.changes import Change, record
from embeddings.models import EmbeddingModel
from embeddings.names import Operation
from embeddings.parts import parts
from embeddings.reconciling.window import Finding

log = logging.getLogger("embeddings")

PART = 10_000
"""Entities a transaction: above a thousand they leave as bulk jobs."""

WITHOUT_THEIR_VECTORS = ("missing", "incomplete", "stray", "wrong_owner")

# By the same order as the workers' upsert, so that the two never wait for each other's rows.
FORGET = """
UPDATE embeddings_embeddingstate SET content_hash = '' WHERE id IN (
    SELECT id FROM embeddings_embeddingstate WHERE entity_type = %s AND entity_id = ANY(%s) AND model_id = %s
    ORDER BY entity_type, entity_id FOR UPDATE
)
"""

# Less than PostgreSQL's deadlock_timeout (1 s): where a saver and this wait for each other's rows, this gives way and no save fails.
LOCK_TIMEOUT = "SET LOCAL lock_timeout = '400ms'"
LOCK_NOT_AVAILABLE = "55P03"


def owe_found(entity_type: str, found: Sequence[Finding], model: EmbeddingModel) -> int:
    """Owes and enqueues the entities. Returns how many: not those that someone saves right now, who owes them himself."""
    return sum(_owe(entity_type, part, model) for part in parts(found, PART))


def _owe(entity_type: str, found: Sequence[Finding], model: EmbeddingModel) -> int:
    using = model.database
    try:
        with transaction.atomic(using=using):
            with connections[using].cursor() as cursor:
                cursor.execute(LOCK_TIMEOUT)
            record(
                [Change(entity_type=entity_type, entity_id=finding.entity_id, operation=_operation(finding)) for finding in found],
                using=using,
            )
            forget_contents(entity_type, [finding.entity_id for finding in found if finding.kind in WITHOUT_THEIR_VECTORS], model)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        if len(found) == 1:
            log.info("%s %s is being written by someone else and was not marked", entity_type, found[0].entity_id)
            return 0
        middle = len(found) // 2
        return _owe(entity_type, found[:middle], model) + _owe(entity_type, found[middle:], model)
    return len(found)


def forget_contents(entity_type: str, ids: Sequence[str], model: EmbeddingModel) -> None:
    """States that must not find their content unchanged: their vectors vanished, or are not to be trusted."""
    if ids:
        with connections[model.database].cursor() as cursor:
            cursor.execute(FORGET, [entity_type, list(ids), model.pk])


def _operation(finding: Finding) -> Operation:
    return "delete" if finding.kind == "orphaned" else "update"
