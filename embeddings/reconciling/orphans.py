"""The index against the rows: entities that have vectors or a living state, and no row."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db import connections

from embeddings.models import EmbeddingModel
from embeddings.reconciling.keys import AS_SETS, BY_ROW, RESULT, TOTALS, window_of
from embeddings.reconciling.source import source_of
from embeddings.reconciling.window import Window
from embeddings.registering.registry import registry

# Each branch holds its first entities behind the position, so the first of both together are complete.
LOOKED = """
WITH indexed AS MATERIALIZED (
    SELECT entity_id, vectors.entity_id IS NOT NULL AS has_vectors, coalesce(states.is_living, false) AS is_living FROM (
        SELECT entity_id FROM embeddings_embedding
        WHERE entity_type = %s AND entity_id > %s {of_model} GROUP BY entity_id {first}
    ) AS vectors FULL JOIN (
        SELECT entity_id, bool_or(status <> 'removed') AS is_living FROM embeddings_embeddingstate
        WHERE entity_type = %s AND entity_id > %s {of_model} GROUP BY entity_id {first}
    ) AS states USING (entity_id) {first}
), looked AS (
    SELECT {rank} AS rank, indexed.entity_id, '' AS owner, CASE
        WHEN NOT has_vectors AND NOT is_living THEN 'gone'
        WHEN dirty.id IS NOT NULL THEN 'owed'
        WHEN rows.key IS NULL THEN 'orphaned'
        WHEN has_vectors AND {is_stray} THEN 'stray'
        ELSE 'alive'
    END AS kind
    FROM indexed
    LEFT JOIN {lateral} (
        SELECT * FROM embeddings_dirtyentity WHERE entity_type = %s {of_row} {one}
    ) AS dirty ON dirty.entity_id = indexed.entity_id
    LEFT JOIN {rows} ON {is_of}
)"""

COUNT = f"{LOOKED}{TOTALS}"
LOOK = f"{LOOKED}{RESULT}"

ONE_ROW = "LATERAL (SELECT rows.key FROM {rows} WHERE {is_of} LIMIT 1) AS rows"

STRAY = """EXISTS (
    SELECT FROM embeddings_embedding AS embedding
    LEFT JOIN embeddings_embeddingstate AS state USING (entity_type, entity_id, model_id)
    WHERE embedding.entity_type = %s AND embedding.entity_id = indexed.entity_id AND state.status IS DISTINCT FROM 'embedded'
)"""

# Of every type that a table has: one index look-up a type, not a scan.
TYPES = """
WITH RECURSIVE types AS (
    (SELECT entity_type FROM {table} ORDER BY entity_type LIMIT 1)
    UNION ALL
    SELECT (SELECT next.entity_type FROM {table} AS next WHERE next.entity_type > types.entity_type ORDER BY next.entity_type LIMIT 1)
    FROM types WHERE types.entity_type IS NOT NULL
)
SELECT entity_type FROM types WHERE entity_type IS NOT NULL
"""


def count(entity_type: str, using: str, *, model: EmbeddingModel | None) -> Counter[str]:
    """How many indexed entities are of each kind: see `look`."""
    statement, parameters = _build(COUNT, entity_type, using, model, after="", limit=None)
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        return Counter(dict(cursor.fetchall()))


def look(entity_type: str, using: str, *, model: EmbeddingModel | None, after: str = "", limit: int, most: int) -> Window:
    """Looks at `limit` indexed entities behind the id `after`. Counts every kind, and tells the first `most` that are wrong.

    With a `model` at what it has; without one at what any model has, and for strays too: vectors that no state has. Of a type that nobody
    registers every entity is an orphan.
    """
    statement, parameters = _build(LOOK, entity_type, using, model, after=after, limit=limit)
    with connections[using].cursor() as cursor:
        cursor.execute(statement, [*parameters, ["orphaned", "stray"], most])
        return window_of(cursor.fetchone(), limit)


def _build(
    template: str, entity_type: str, using: str, model: EmbeddingModel | None, *, after: str, limit: int | None
) -> tuple[str, list[Any]]:
    rows, is_of, source = _source(entity_type, using, is_whole=limit is None)
    of_model, model_keys = ("", []) if model is None else ("AND model_id = %s", [model.pk])
    is_stray, stray_keys = (STRAY, [entity_type]) if model is None else ("false", [])
    first, number = ("", []) if limit is None else ("ORDER BY entity_id LIMIT %s", [limit])
    rank = "NULL" if limit is None else "row_number() OVER (ORDER BY indexed.entity_id)"
    branch: list[Any] = [entity_type, after, *model_keys, *number]
    rows = f"({rows}) AS rows (key, owner)"
    if limit is None:
        lookup = AS_SETS | {"rows": rows, "is_of": is_of}
    else:
        lookup = BY_ROW | {"of_row": "AND entity_id = indexed.entity_id", "rows": ONE_ROW.format(rows=rows, is_of=is_of), "is_of": "true"}
    statement = template.format(of_model=of_model, is_stray=is_stray, first=first, rank=rank, **lookup)
    return statement, [*branch, *branch, *number, *stray_keys, entity_type, *source]


def _source(entity_type: str, using: str, *, is_whole: bool) -> tuple[str, str, tuple[Any, ...]]:
    if entity_type not in registry:
        return "SELECT NULL, NULL", "false", ()
    source = source_of(registry.get(entity_type), using)
    condition = source.is_exactly_of if is_whole else source.is_of
    return source.sql, condition("indexed.entity_id"), source.params


def stored_types(using: str) -> set[str]:
    """Entity types that have vectors, states or fan-outs, registered or not."""
    found: set[str] = set()
    with connections[using].cursor() as cursor:
        for table in ("embeddings_embedding", "embeddings_embeddingstate", "embeddings_fanout"):
            cursor.execute(TYPES.format(table=table))
            found.update(entity_type for (entity_type,) in cursor.fetchall())
    return found
