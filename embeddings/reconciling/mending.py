"""What was found wrong is owed, as if its row had been saved."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import connections

from embeddings.models import EmbeddingModel
from embeddings.names import Operation
from embeddings.owing.changes import PART, Change
from embeddings.owing.dirty import record
from embeddings.owing.giving_way import write_in_time
from embeddings.parts import parts
from embeddings.reconciling.window import Finding

log = logging.getLogger("embeddings")

WITHOUT_THEIR_VECTORS = ("missing", "incomplete", "stray", "wrong_owner")

# By the same order as the workers' upsert, so that the two never wait for each other's rows.
FORGET = """
UPDATE embeddings_embeddingstate SET content_hash = '' WHERE id IN (
    SELECT id FROM embeddings_embeddingstate WHERE entity_type = %s AND entity_id = ANY(%s) AND model_id = %s
    ORDER BY entity_type, entity_id FOR UPDATE
)
"""


def owe_found(entity_type: str, found: Sequence[Finding], model: EmbeddingModel) -> int:
    """Owes and enqueues the entities. Returns how many: not those that someone saves right now, who owes them himself."""
    in_bulk = len(found) > PART

    def owe(part: Sequence[Finding]) -> None:
        changes = [
            Change(entity_type=entity_type, entity_id=finding.entity_id, operation=_operation(finding), in_bulk=in_bulk) for finding in part
        ]
        record(changes, using=model.database)
        forget_contents(entity_type, [finding.entity_id for finding in part if finding.kind in WITHOUT_THEIR_VECTORS], model)

    held = [finding for part in parts(found, PART) for finding in write_in_time(part, owe, using=model.database)]
    if held:
        log.info("%d of %d %s are being written by others and were not marked", len(held), len(found), entity_type)
    return len(found) - len(held)


def forget_contents(entity_type: str, ids: Sequence[str], model: EmbeddingModel) -> None:
    """States that must not find their content unchanged: their vectors vanished, or are not to be trusted."""
    if ids:
        with connections[model.database].cursor() as cursor:
            cursor.execute(FORGET, [entity_type, list(ids), model.pk])


def _operation(finding: Finding) -> Operation:
    return "delete" if finding.kind == "orphaned" else "update"
