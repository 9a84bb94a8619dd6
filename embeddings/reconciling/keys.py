"""Rows against the index, by keys, owners, recipes and numbers of chunks: one statement a window, no row is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import QuerySet

from embeddings.indexing.plans import recipe_of
from embeddings.models import EmbeddingModel
from embeddings.reconciling.source import source_of
from embeddings.reconciling.window import Finding, Kind, Window
from embeddings.registering.embeddable import Embeddable

# What is owed is on its way or parked, whatever the index says. An entity has one kind, the first that fits:
#   stray        vectors, and no state that has them        missing      a row that no worker has looked at for this model
#   wrong_model  looked at for another model only           wrong_owner  the row's owner, the state's and the vectors' are not one
#   stale        stored by another recipe                   incomplete   not the vectors that the state has
# A row without an owner, and one that should_embed refused when it was looked at, is rightly not there: excluded.
LOOKED = """
WITH source AS MATERIALIZED (
    SELECT DISTINCT ON (key) key, key::text COLLATE "default" AS entity_id, coalesce(owner::text, '') AS owner
    FROM ({rows}) AS rows (key, owner) {window}
), looked AS (
    SELECT {rank} AS rank, source.entity_id, source.owner, CASE
        WHEN dirty.id IS NOT NULL THEN 'owed'
        WHEN vectors.chunks > 0 AND state.status IS DISTINCT FROM 'embedded' THEN 'stray'
        WHEN state.id IS NULL AND source.owner = '' THEN 'excluded'
        WHEN state.id IS NULL AND EXISTS (
            SELECT FROM embeddings_embeddingstate AS other WHERE other.entity_type = %s AND other.entity_id = source.entity_id
        ) THEN 'wrong_model'
        WHEN state.id IS NULL OR state.status = 'failed' THEN 'missing'
        WHEN state.status = 'removed' AND state.owner_id = '' AND source.owner <> '' THEN 'missing'
        WHEN source.owner <> ANY (ARRAY[state.owner_id, vectors.first_owner, vectors.last_owner]) THEN 'wrong_owner'
        WHEN state.status = 'removed' THEN 'excluded'
        WHEN state.recipe <> %s THEN 'stale'
        WHEN state.status = 'empty' THEN 'empty'
        WHEN vectors.chunks = state.chunks AND vectors.highest = state.chunks - 1 THEN 'embedded'
        ELSE 'incomplete'
    END AS kind
    FROM source
    LEFT JOIN {lateral} (
        SELECT entity_id, count(*) AS chunks, max(chunk_index) AS highest,
            min(user_id::text) AS first_owner, max(user_id::text) AS last_owner
        FROM embeddings_embedding WHERE entity_type = %s AND model_id = %s {of_row} GROUP BY entity_id
    ) AS vectors ON vectors.entity_id = source.entity_id
    LEFT JOIN {lateral} (
        SELECT * FROM embeddings_embeddingstate WHERE entity_type = %s AND model_id = %s {of_row} {one}
    ) AS state ON state.entity_id = source.entity_id
    LEFT JOIN {lateral} (
        SELECT * FROM embeddings_dirtyentity WHERE entity_type = %s {of_row} {one}
    ) AS dirty ON dirty.entity_id = source.entity_id
)"""

# A window is looked up row by row, through the indices. Joined as sets, nested loops of a whole window with a whole table are what the
# planner chooses where its statistics do not know the entity type yet: a new type, or a first backfill. That takes minutes.
BY_ROW = {"lateral": "LATERAL", "of_row": "AND entity_id = source.entity_id", "one": "LIMIT 1"}
AS_SETS = dict.fromkeys(BY_ROW, "")

TOTALS = " SELECT kind, count(*) FROM looked GROUP BY kind"
COUNT = f"{LOOKED}{TOTALS}"

# What a look at a window tells of it.
RESULT = """, counts AS (
    SELECT kind, count(*) AS number FROM looked GROUP BY kind
), found AS (
    SELECT kind, entity_id, rank, owner FROM looked WHERE kind = ANY(%s) ORDER BY rank LIMIT %s
)
SELECT
    (SELECT max(rank) FROM looked), (SELECT entity_id FROM looked ORDER BY rank DESC LIMIT 1),
    (SELECT array_agg(kind) FROM counts), (SELECT array_agg(number) FROM counts),
    (SELECT array_agg(kind ORDER BY rank) FROM found), (SELECT array_agg(entity_id ORDER BY rank) FROM found),
    (SELECT array_agg(rank ORDER BY rank) FROM found), (SELECT array_agg(owner ORDER BY rank) FROM found)
"""

LOOK = f"{LOOKED}{RESULT}"

RIGHT = ("embedded", "empty", "excluded")
WRONG: tuple[Kind, ...] = ("missing", "wrong_model", "stale", "wrong_owner", "incomplete", "stray")


def count(embeddable: Embeddable, model: EmbeddingModel) -> Counter[str]:
    """How many rows are of each kind, of all of them, in one statement."""
    source = source_of(embeddable, model.database)
    statement = COUNT.format(rows=source.sql, window="", rank="NULL", **AS_SETS)
    with connections[model.database].cursor() as cursor:
        cursor.execute(statement, [*source.params, *_parameters(embeddable, model)])
        return Counter(dict(cursor.fetchall()))


def look(
    embeddable: Embeddable,
    model: EmbeddingModel,
    *,
    after: str = "",
    limit: int,
    most: int,
    kinds: Sequence[Kind] = WRONG,
    rows: QuerySet[Any] | None = None,
) -> Window:
    """Compares `limit` rows behind the key `after`, of all or of some `rows`. Counts every kind, and tells the first `most` of these
    `kinds`."""
    source = source_of(embeddable, model.database, rows)
    behind, position = (f"WHERE key > %s::{source.key_type}", [after]) if after else ("", [])
    statement = LOOK.format(
        rows=source.sql,
        window=f"{behind} ORDER BY key LIMIT %s",
        rank="row_number() OVER (ORDER BY source.key)",
        **BY_ROW,
    )
    with connections[model.database].cursor() as cursor:
        cursor.execute(statement, [*source.params, *position, limit, *_parameters(embeddable, model), list(kinds), most])
        return window_of(cursor.fetchone(), limit)


def _parameters(embeddable: Embeddable, model: EmbeddingModel) -> list[Any]:
    entity_type = embeddable.entity_type
    return [entity_type, recipe_of(embeddable, model), entity_type, model.pk, entity_type, model.pk, entity_type]


def window_of(row: tuple[Any, ...], limit: int) -> Window:
    """The row of RESULT."""
    looked_at, last, kinds, numbers, *found = row
    return Window(
        looked_at=looked_at or 0,
        last=last or "",
        is_end=(looked_at or 0) < limit,
        counts=Counter(dict(zip(kinds or (), numbers or (), strict=True))),
        found=[
            Finding(kind=kind, entity_id=entity_id, rank=rank, owner_id=owner_id)
            for kind, entity_id, rank, owner_id in zip(*(column or () for column in found), strict=True)
        ],
    )
