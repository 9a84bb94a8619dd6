"""Exact search by owner: up to some ten thousand rows of one owner it is as quick as an index, and misses nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from django.db import connections, router

from embeddings.capture.registry import registry
from embeddings.exceptions import InvalidSearch
from embeddings.models import Embedding, EmbeddingModel, EmbeddingUsage
from embeddings.search.result import SearchResult
from embeddings.usage import record_query

MAX_LIMIT = 100
OVERFETCH = 2
"""How many times the limit is read at once: some hits may be dead, or another's, since they were embedded."""

# Materialized, so that the planner takes the owner's rows first whatever vector index there is.
QUERY = """
WITH mine AS MATERIALIZED (
    SELECT entity_type, entity_id, chunk_index, content, metadata, embedding <=> %s::halfvec AS distance
    FROM embeddings_embedding
    WHERE user_id = %s AND model_id = %s AND entity_type = ANY(%s)
), best AS (
    SELECT DISTINCT ON (entity_type, entity_id) * FROM mine WHERE distance <= %s ORDER BY entity_type, entity_id, distance
)
SELECT entity_type, entity_id, chunk_index, content, metadata, distance FROM best
ORDER BY distance, entity_type, entity_id LIMIT %s OFFSET %s
"""


def search(
    user: Any,
    query: str,
    *,
    entity_types: Collection[str] | None = None,
    limit: int = 10,
    min_similarity: float | None = None,
    using: str | None = None,
) -> list[SearchResult]:
    """What `user` owns that is most similar to `query`, best first, each entity once.

    `limit` is from 1 to 100; `min_similarity` from -1 to 1, by default the one calibrated for the active model; `using` the database
    whose rows are searched.
    Raises InvalidSearch, NotRegistered for an unknown entity type, ProviderError where the query cannot be embedded.
    """
    types = _check(query, entity_types, limit, min_similarity)
    model = EmbeddingModel.objects.using(using or router.db_for_read(Embedding)).active()
    least = model.min_similarity if min_similarity is None else min_similarity
    vector = json.dumps(_embed(query, user, model, using))
    found: list[SearchResult] = []
    offset, step = 0, limit * OVERFETCH
    while len(found) < limit:
        with connections[model.database].cursor() as cursor:
            cursor.execute(QUERY, [vector, user.pk, model.pk, types, 1 - least, step, offset])
            rows = cursor.fetchall()
        found += _hydrate(rows, user, model.database)
        if len(rows) < step:
            break
        offset += step
    return found[:limit]


def _embed(query: str, user: Any, model: EmbeddingModel, using: str | None) -> list[float]:
    """The query's vector, counted as the searcher's usage."""
    provider = model.get_provider()
    batch = provider.query(query)
    record_query(batch.tokens, user.pk, provider, using=using or router.db_for_write(EmbeddingUsage))
    return batch.vectors[0]


def _check(query: str, entity_types: Collection[str] | None, limit: int, min_similarity: float | None) -> list[str]:
    if not query.strip():
        raise InvalidSearch("The query is empty.")
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidSearch(f"limit must be from 1 to {MAX_LIMIT}, not {limit}.")
    if min_similarity is not None and not -1 <= min_similarity <= 1:
        raise InvalidSearch(f"min_similarity must be from -1 to 1, not {min_similarity}.")
    if entity_types is None:
        return [embeddable.entity_type for embeddable in registry]
    return [registry.get(entity_type).entity_type for entity_type in entity_types]


def _hydrate(rows: Sequence[tuple[Any, ...]], user: Any, using: str) -> list[SearchResult]:
    """The hits whose rows exist, are to be embedded and belong to the searcher, by one query a type."""
    alive: dict[tuple[str, str], Any] = {}
    for entity_type in {row[0] for row in rows}:
        embeddable = registry.get(entity_type)
        ids = [row[1] for row in rows if row[0] == entity_type]
        owned = embeddable.queryset().using(using).filter(pk__in=ids, **{embeddable.owner: user.pk})
        alive |= {(entity_type, str(obj.pk)): obj for obj in owned if embeddable.is_wanted(obj)}
    return [
        SearchResult(
            entity_type=entity_type,
            entity_id=entity_id,
            content=content,
            chunk_index=chunk_index,
            similarity=1 - distance,
            metadata=json.loads(metadata) if isinstance(metadata, str) else metadata,
            entity=alive[entity_type, entity_id],
        )
        for entity_type, entity_id, chunk_index, content, metadata, distance in rows
        if (entity_type, entity_id) in alive
    ]
