"""The nearest of one owner's entities, exactly: up to some ten thousand rows of one owner it is as quick as an index, and misses nothing.

Whatever is searched for is a query that gives vectors: one for words, several for an entity in chunks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connections

from embeddings.owing.changes import Entity
from embeddings.registering.registry import registry
from embeddings.search.request import Request
from embeddings.search.result import SearchResult

OVERFETCH = 2
"""How many times the limit is read at first: some hits may be dead, or another's, since they were embedded."""
MAX_STEP = 1000

NO_ENTITY: Entity = ("", "")

# Materialized, so that the planner takes the owner's rows first whatever vector index there is. The nearest pair of vectors
# counts for an entity; its content is read for the rows of the answer alone.
QUERY = """
WITH asked AS MATERIALIZED ({asked}), mine AS MATERIALIZED (
    SELECT chunk.id, chunk.entity_type, chunk.entity_id, chunk.embedding <=> asked.embedding AS distance
    FROM embeddings_embedding AS chunk CROSS JOIN asked
    WHERE chunk.user_id = %s AND chunk.model_id = %s AND chunk.entity_type = ANY(%s) AND (chunk.entity_type, chunk.entity_id) <> (%s, %s)
), best AS (
    SELECT DISTINCT ON (entity_type, entity_id) * FROM mine WHERE distance <= %s ORDER BY entity_type, entity_id, distance, id
), page AS (
    SELECT * FROM best ORDER BY distance, entity_type, entity_id LIMIT %s OFFSET %s
)
SELECT page.entity_type, page.entity_id, chunk_index, content, metadata, distance
FROM page JOIN embeddings_embedding AS chunk USING (id)
ORDER BY distance, entity_type, entity_id
"""


def retrieve(request: Request, asked: str, parameters: Sequence[Any], *, besides: Entity = NO_ENTITY) -> list[SearchResult]:
    """Up to `limit` entities, the most similar first, each once, without `besides`. `asked` is SQL that gives vectors as `embedding`.

    Reads on behind hits that are dead, or another's, until the limit is filled or there are no more.
    """
    found: dict[Entity, SearchResult] = {}
    offset, step = 0, request.limit * OVERFETCH
    statement = QUERY.format(asked=asked)
    while len(found) < request.limit:
        values = [*parameters, request.owner_id, request.model.pk, request.entity_types, *besides]
        with connections[request.model.database].cursor() as cursor:
            cursor.execute(statement, [*values, 1 - request.min_similarity, step, offset])
            rows = cursor.fetchall()
        for result in _hydrate(rows, request):  # a row that moved meanwhile may come twice
            found.setdefault((result.entity_type, result.entity_id), result)
        if len(rows) < step:
            break
        offset, step = offset + step, min(step * 2, MAX_STEP)
    return list(found.values())[: request.limit]


def alive(entity_type: str, ids: Sequence[Any], owner_id: Any, using: str) -> dict[str, Any]:
    """By id, the rows that exist, are to be embedded and belong to the owner at this moment: one query, and those of the related."""
    embeddable = registry.get(entity_type)
    owned = embeddable.queryset().using(using).filter(pk__in=ids, **{embeddable.owner: owner_id})
    return {str(obj.pk): obj for obj in owned if embeddable.is_wanted(obj)}


def _hydrate(rows: Sequence[tuple[Any, ...]], request: Request) -> Iterator[SearchResult]:
    """The hits that are alive, by one query a type."""
    living = {
        entity_type: alive(entity_type, [row[1] for row in rows if row[0] == entity_type], request.owner_id, request.model.database)
        for entity_type in {row[0] for row in rows}
    }
    for entity_type, entity_id, chunk_index, content, metadata, distance in rows:
        if entity_id in living[entity_type]:
            yield SearchResult(
                entity_type=entity_type,
                entity_id=entity_id,
                content=content,
                chunk_index=chunk_index,
                similarity=1 - distance,
                metadata=json.loads(metadata) if isinstance(metadata, str) else metadata,
                entity=living[entity_type][entity_id],
            )
