"""Embeddings of any model, kept in step through signals. What is listed here is the public interface.

Importing this package imports no models, so that it can be imported before the apps are ready.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from embeddings.capture.disabled import embeddings_disabled
from embeddings.capture.embeddable import Embeddable
from embeddings.capture.querysets import EmbeddableManager, EmbeddableQuerySet, EmbeddableQuerySetMixin
from embeddings.capture.registry import register
from embeddings.exceptions import EmbeddingsError, InvalidSearch, NotRegistered, ProviderError
from embeddings.indexing.chunks import Chunking
from embeddings.search.result import SearchResult

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    from embeddings.reconciling.status import Status


def search(
    user: Any,
    query: str,
    *,
    entity_types: Collection[str] | None = None,
    limit: int = 10,
    min_similarity: float | None = None,
    using: str | None = None,
) -> list[SearchResult]:
    """What `user` owns that is most similar to `query`, best first: see embeddings.search.semantic."""
    from embeddings.search import semantic

    return semantic.search(user, query, entity_types=entity_types, limit=limit, min_similarity=min_similarity, using=using)


def mark_dirty(objects: QuerySet[Any] | Iterable[Model]) -> int:
    """Marks rows that were written without signals: see embeddings.capture.marking."""
    from embeddings.capture import marking

    return marking.mark_dirty(objects)


def retry_parked(
    *, using: str = "default", entity_type: str | None = None, entity_ids: Collection[str] | None = None, error: str = ""
) -> int:
    """Takes up again what failed for good, all of it or what fits: see embeddings.indexing.parking."""
    from embeddings.indexing import parking

    return parking.retry_parked(using=using, entity_type=entity_type, entity_ids=entity_ids, error=error)


def status(*, using: str | None = None, entity_types: Collection[str] | None = None) -> Status:
    """What is right and wrong with the index, per entity type and model. Changes nothing: see embeddings.reconciling.status."""
    from embeddings.reconciling import status as module

    return module.status(using=using, entity_types=entity_types)


__all__ = [
    # registering
    "Chunking",
    "Embeddable",
    "register",
    # searching
    "SearchResult",
    "search",
    # changes without signals
    "EmbeddableManager",
    "EmbeddableQuerySet",
    "EmbeddableQuerySetMixin",
    "embeddings_disabled",
    "mark_dirty",
    # what failed for good
    "retry_parked",
    # operating
    "status",
    # errors
    "EmbeddingsError",
    "InvalidSearch",
    "NotRegistered",
    "ProviderError",
]
