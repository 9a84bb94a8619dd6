"""Search by the meaning of words."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.db import router

from embeddings.exceptions import InvalidInput, InvalidSearch
from embeddings.models import Embedding, EmbeddingModel, EmbeddingUsage
from embeddings.search.request import Request, check_user, make_request
from embeddings.search.result import SearchResult
from embeddings.search.retrieval import retrieve
from embeddings.usage import record_query


def search(
    user: Any,
    query: str,
    *,
    entity_types: Collection[str] | None = None,
    limit: int = 10,
    min_similarity: float | None = None,
    using: str | None = None,
) -> list[SearchResult]:
    """What `user` owns that is most similar to `query`, best first, each entity once, by its best chunk.

    `limit` is from 1 to 100; `min_similarity` from -1 to 1, by default the one calibrated for the active model; `using` the database
    whose rows are searched. Of a query that is longer than the model reads, the beginning counts.
    Raises InvalidSearch (also for a user who was never saved), NotRegistered for an unknown entity type, ProviderError where the
    query cannot be embedded.
    """
    check_user(user)
    if not isinstance(query, str) or not query.strip():
        raise InvalidSearch("The query is empty.")
    if "\x00" in query:
        raise InvalidSearch("The query holds a NUL character, which is no text.")
    model = EmbeddingModel.objects.using(using or router.db_for_read(Embedding)).active()
    request = make_request(user.pk, model, entity_types=entity_types, limit=limit, min_similarity=min_similarity)
    if not request.entity_types:
        return []
    return retrieve(request, "SELECT %s::halfvec AS embedding", [json.dumps(_embed(query, request, using))])


def _embed(query: str, request: Request, using: str | None) -> list[float]:
    """The query's vector, counted as the searcher's usage."""
    provider = request.model.get_provider()
    while (tokens := provider.estimate_tokens(query)) > provider.max_input_tokens:
        query = query[: len(query) * provider.max_input_tokens // tokens]
    try:
        batch = provider.query(query)
    except InvalidInput as error:
        raise InvalidSearch(f"The query cannot be embedded: {error}") from error
    record_query(batch.tokens, request.owner_id, provider, using=using or router.db_for_write(EmbeddingUsage))
    return batch.vectors[0]
