"""Embeddings of any model, kept in step through signals. What is listed here is the public interface.

Importing this package imports no models, so that it can be imported before the apps are ready.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from embeddings.capture.disabled import embeddings_disabled
from embeddings.capture.writes.querysets import EmbeddableManager, EmbeddableQuerySet, EmbeddableQuerySetMixin
from embeddings.exceptions import AlreadyRegistered, EmbeddingsError, InvalidEmbeddable, InvalidSearch, NotRegistered, ProviderError
from embeddings.registering.chunking import Chunking
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import register
from embeddings.search.result import SearchResult

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    from embeddings.reconciling.status import Status
    from queues import Worker


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


def find_similar(
    obj: Model,
    *,
    limit: int = 10,
    entity_types: Collection[str] | None = None,
    min_similarity: float | None = None,
    user: Any = None,
    using: str | None = None,
) -> list[SearchResult]:
    """What the owner of `obj` owns besides that is most similar to it: see embeddings.search.similar."""
    from embeddings.search import similar

    return similar.find_similar(obj, limit=limit, entity_types=entity_types, min_similarity=min_similarity, user=user, using=using)


def mark_dirty(objects: QuerySet[Any] | Iterable[Model]) -> int:
    """Marks rows that were written without signals: see embeddings.capture.marking."""
    from embeddings.capture import marking

    return marking.mark_dirty(objects)


def retry_parked(
    *, using: str | None = None, entity_type: str | None = None, entity_ids: Collection[str] | None = None, error: str = ""
) -> int:
    """Takes up again what failed for good, all of it or what fits, in one database or in all: see embeddings.owing.parking."""
    from embeddings.owing import parking

    return parking.retry_parked(using=using, entity_type=entity_type, entity_ids=entity_ids, error=error)


def status(*, using: str | None = None, entity_types: Collection[str] | None = None) -> Status:
    """What is right and wrong with the index, per entity type and model. Changes nothing: see embeddings.reconciling.status."""
    from embeddings.reconciling import status as module

    return module.status(using=using, entity_types=entity_types)


def reindex(what: QuerySet[Any] | str | None = None, *, force: bool = False, using: str | None = None) -> int:
    """Owes and enqueues every row of a queryset, of an entity type, or of all types: see embeddings.backfill.reindexing."""
    from embeddings.backfill import reindexing

    return reindexing.reindex(what, force=force, using=using)


def initialize_embedding_worker(concurrency: int | None = None) -> Worker:
    """Starts a worker of the embeddings queue inside this process: see embeddings.worker."""
    from embeddings import worker

    return worker.initialize_embedding_worker(concurrency)


__all__ = [
    # registering
    "Chunking",
    "Embeddable",
    "register",
    # searching
    "SearchResult",
    "find_similar",
    "search",
    # working
    "initialize_embedding_worker",
    "reindex",
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
    "AlreadyRegistered",
    "EmbeddingsError",
    "InvalidEmbeddable",
    "InvalidSearch",
    "NotRegistered",
    "ProviderError",
]
