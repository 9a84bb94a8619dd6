"""The one short transaction that writes a batch: states by version first, and vectors only where the state took it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.backends.utils import CursorWrapper
from django.db.transaction import get_connection

from embeddings.indexing.plans import Plan, Vector
from embeddings.indexing.trouble import WAIT_SHORTLY
from embeddings.models import EmbeddingModel
from embeddings.owing.changes import Entity
from embeddings.registering.embeddable import owner_text

STATES_TEMPLATE = """
INSERT INTO embeddings_embeddingstate AS state
    (entity_type, entity_id, model_id, owner_id, version, status, content_hash, recipe, chunks, tokens, updated_at, error_class, error)
SELECT entity_type, entity_id, %s, owner_id, version, status, content_hash, recipe, chunks, tokens, now(), '', ''
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[])
    AS plan (entity_type, entity_id, owner_id, version, status, content_hash, recipe, chunks, tokens)
ORDER BY entity_type, entity_id
ON CONFLICT (entity_type, entity_id, model_id) DO UPDATE SET
    owner_id = excluded.owner_id, version = excluded.version, status = excluded.status, content_hash = excluded.content_hash,
    recipe = excluded.recipe, chunks = excluded.chunks, tokens = excluded.tokens, updated_at = excluded.updated_at,
    error_class = '', error = '', failed_at = NULL
WHERE state.version < excluded.version {unless}
RETURNING entity_type, entity_id
"""

# An unchanged plan writes no vectors, so it holds only while what it found unchanged is what is stored.
STATES = STATES_TEMPLATE.format(unless="")
UNCHANGED_STATES = STATES_TEMPLATE.format(unless="AND state.content_hash = excluded.content_hash AND state.owner_id = excluded.owner_id")

SURPLUS = """
DELETE FROM embeddings_embedding AS embedding
USING unnest(%s::text[], %s::text[], %s::text[], %s::int[]) AS plan (entity_type, entity_id, owner_id, chunks)
WHERE embedding.entity_type = plan.entity_type AND embedding.entity_id = plan.entity_id AND embedding.model_id = %s
    AND (embedding.user_id::text <> plan.owner_id OR embedding.chunk_index >= plan.chunks)
"""

# A row that is equal in everything is not written: it would leave a dead one, and another node in the vector index.
VECTORS = """
INSERT INTO embeddings_embedding AS stored (user_id, model_id, entity_type, entity_id, chunk_index, content, metadata, embedding)
VALUES (%s, %s, %s, %s, %s, %s, %s::jsonb, %s::halfvec)
ON CONFLICT (user_id, model_id, entity_type, entity_id, chunk_index) DO UPDATE SET
    content = excluded.content, metadata = excluded.metadata, embedding = excluded.embedding
WHERE (stored.content, stored.metadata, stored.embedding) IS DISTINCT FROM (excluded.content, excluded.metadata, excluded.embedding)
"""

# A row that a saver holds is skipped, not waited for: two that wait for each other's rows would deadlock, and the save
# could be the victim. Such a row gets a newer version and a job of its own, or, rolled back, the sweep's.
CLEAR = """
DELETE FROM embeddings_dirtyentity WHERE id IN (
    SELECT dirty.id FROM embeddings_dirtyentity AS dirty
    JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS plan (entity_type, entity_id, version) USING (entity_type, entity_id, version)
    JOIN embeddings_embeddingstate AS state USING (entity_type, entity_id)
    WHERE state.model_id = %s AND state.version >= plan.version
    FOR UPDATE OF dirty SKIP LOCKED
)
"""


def store(plans: Sequence[Plan], model: EmbeddingModel) -> set[Entity]:
    """Writes the plans and clears the dirty rows that their states have reached.

    Returns the entities whose state took the plan: the others were newer already, or no longer what the plan found unchanged.
    """
    if not plans:
        return set()
    using = model.database
    with transaction.atomic(using=using), get_connection(using).cursor() as cursor:
        cursor.execute(WAIT_SHORTLY)
        changed = [plan for plan in plans if not plan.is_unchanged]
        taken = _store_states(cursor, STATES, changed, model)
        taken |= _store_states(cursor, UNCHANGED_STATES, [plan for plan in plans if plan.is_unchanged], model)
        written = [plan for plan in changed if plan.entity in taken]
        if written:
            _store_vectors(cursor, written, model)
        cursor.execute(CLEAR, [*_columns(plans, lambda plan: plan.version), model.pk])
    return taken


def _store_states(cursor: CursorWrapper, statement: str, plans: Sequence[Plan], model: EmbeddingModel) -> set[Entity]:
    if not plans:
        return set()
    types, ids = [plan.entity[0] for plan in plans], [plan.entity[1] for plan in plans]
    columns: list[list[Any]] = [
        [owner_text(plan.owner_id) for plan in plans],
        [plan.version for plan in plans],
        [str(plan.status) for plan in plans],
        [plan.content_hash for plan in plans],
        [plan.recipe for plan in plans],
        [plan.stored_chunks if plan.is_unchanged else len(plan.chunks) for plan in plans],
        [plan.tokens for plan in plans],
    ]
    cursor.execute(statement, [model.pk, types, ids, *columns])
    return {(entity_type, entity_id) for entity_type, entity_id in cursor.fetchall()}


def _store_vectors(cursor: CursorWrapper, plans: Sequence[Plan], model: EmbeddingModel) -> None:
    cursor.execute(SURPLUS, [*_columns(plans, lambda plan: owner_text(plan.owner_id)), [len(plan.chunks) for plan in plans], model.pk])
    rows = [
        (plan.owner_id, model.pk, *plan.entity, index, chunk, json.dumps(plan.metadata), _halfvec(plan.vectors[chunk]))
        for plan in plans
        for index, chunk in enumerate(plan.chunks)
    ]
    if rows:
        cursor.executemany(VECTORS, rows)


def _columns(plans: Sequence[Plan], third: Any) -> tuple[list[str], list[str], list[Any]]:
    return [plan.entity[0] for plan in plans], [plan.entity[1] for plan in plans], [third(plan) for plan in plans]


def _halfvec(vector: Vector) -> str:
    """The vector as text. Half precision holds about three digits and a half, so five lose nothing."""
    return vector if isinstance(vector, str) else f"[{','.join(map('{:.5g}'.format, vector))}]"
