"""Rows against the index, by keys, owners, recipes and numbers of chunks: one statement a window, no row is loaded."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import connections

from embeddings.capture.embeddable import Embeddable
from embeddings.indexing.plans import recipe_of
from embeddings.models import EmbeddingModel
from embeddings.reconciling.source import source_of
from embeddings.reconciling.window import Finding, Window

# What is owed is on its way or parked, whatever the index says. An entity has one kind, the first that fits:
#   stray        vectors, and no state that has them        missing      a row that no worker has looked at for this model
#   wrong_model  looked at for another model only           wrong_owner  the row's owner, the state's and the vectors' are not one
#   stale        stored by another recipe                   incomplete   not the vectors that the state has
# A row without an owner, and one that should_embed refused when it was looked at, is rightly not there: excluded.
LOOK = """
WITH source AS MATERIALIZED (
    SELECT DISTINCT ON (key) key, key::text COLLATE "default" AS entity_id, coalesce(owner::text, '') AS owner
    FROM ({rows}) AS rows (key, owner) {behind} ORDER BY key LIMIT %s
), vectors AS (
    SELECT source.entity_id, count(*) AS chunks, max(chunk_index) AS highest,
        bool_or(embedding.user_id::text <> source.owner) AS has_foreign
    FROM source JOIN embeddings_embedding AS embedding
        ON embedding.entity_type = %s AND embedding.entity_id = source.entity_id AND embedding.model_id = %s
    GROUP BY source.entity_id
), looked AS (
    SELECT row_number() OVER (ORDER BY source.key) AS rank, source.entity_id, CASE
        WHEN dirty.id IS NOT NULL THEN 'owed'
        WHEN vectors.chunks > 0 AND state.status IS DISTINCT FROM 'embedded' THEN 'stray'
        WHEN state.id IS NULL AND source.owner = '' THEN 'excluded'
        WHEN state.id IS NULL AND EXISTS (
            SELECT FROM embeddings_embeddingstate AS other WHERE other.entity_type = %s AND other.entity_id = source.entity_id
        ) THEN 'wrong_model'
        WHEN state.id IS NULL OR state.status = 'failed' THEN 'missing'
        WHEN state.status = 'removed' AND state.owner_id = '' AND source.owner <> '' THEN 'missing'
        WHEN state.owner_id <> source.owner OR vectors.has_foreign THEN 'wrong_owner'
        WHEN state.status = 'removed' THEN 'excluded'
        WHEN state.recipe <> %s THEN 'stale'
        WHEN state.status = 'empty' THEN 'empty'
        WHEN vectors.chunks = state.chunks AND vectors.highest = state.chunks - 1 THEN 'embedded'
        ELSE 'incomplete'
    END AS kind
    FROM source
    LEFT JOIN vectors USING (entity_id)
    LEFT JOIN embeddings_embeddingstate AS state
        ON state.entity_type = %s AND state.entity_id = source.entity_id AND state.model_id = %s
    LEFT JOIN embeddings_dirtyentity AS dirty ON dirty.entity_type = %s AND dirty.entity_id = source.entity_id
), counts AS (
    SELECT kind, count(*) AS number FROM looked GROUP BY kind
), found AS (
    SELECT kind, entity_id, rank FROM looked WHERE kind NOT IN ('owed', 'embedded', 'empty', 'excluded') ORDER BY rank LIMIT %s
)
SELECT
    (SELECT max(rank) FROM looked), (SELECT entity_id FROM source ORDER BY key DESC LIMIT 1),
    (SELECT array_agg(kind) FROM counts), (SELECT array_agg(number) FROM counts),
    (SELECT array_agg(kind ORDER BY rank) FROM found), (SELECT array_agg(entity_id ORDER BY rank) FROM found),
    (SELECT array_agg(rank ORDER BY rank) FROM found)
"""

KINDS = ("embedded", "empty", "excluded", "missing", "wrong_model", "stale", "wrong_owner", "incomplete", "stray")


def look(embeddable: Embeddable, model: EmbeddingModel, *, after: str = "", limit: int | None = None, most: int = 0) -> Window:
    """Compares `limit` rows (None: all) behind the key `after`; tells the first `most` findings, and counts them all."""
    source = source_of(embeddable, model.database)
    entity_type = embeddable.entity_type
    statement = LOOK.format(rows=source.sql, behind=f"WHERE key > %s::{source.key_type}" if after else "")
    position = [after] if after else []
    vectors, others = [entity_type, model.pk], [entity_type]
    states, dirty = [entity_type, model.pk], [entity_type]
    parameters = [*source.params, *position, limit, *vectors, *others, recipe_of(embeddable, model), *states, *dirty, most]
    with connections[model.database].cursor() as cursor:
        cursor.execute(statement, parameters)
        return window_of(cursor.fetchone(), limit)


def window_of(row: tuple[Any, ...], limit: int | None) -> Window:
    looked_at, last, kinds, numbers, found_kinds, ids, ranks = row
    found = zip(found_kinds or (), ids or (), ranks or (), strict=True)
    return Window(
        looked_at=looked_at or 0,
        last=last or "",
        is_end=limit is None or (looked_at or 0) < limit,
        counts=Counter(dict(zip(kinds or (), numbers or (), strict=True))),
        found=[Finding(kind=kind, entity_id=entity_id, rank=rank) for kind, entity_id, rank in found],
    )
