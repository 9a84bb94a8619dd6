"""What was asked for, checked before anything is embedded or read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from embeddings.exceptions import InvalidSearch
from embeddings.models import EmbeddingModel
from embeddings.registering.registry import registry

MAX_LIMIT = 100


@dataclass(frozen=True, kw_only=True)
class Request:
    """Whose entities of which types are wanted, how many, and how similar at least; in a model of one database."""

    owner_id: Any
    model: EmbeddingModel
    entity_types: list[str]
    limit: int
    min_similarity: float


def make_request(
    owner_id: Any, model: EmbeddingModel, *, entity_types: Collection[str] | None, limit: int, min_similarity: float | None
) -> Request:
    """Raises InvalidSearch, and NotRegistered for an unknown entity type."""
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_LIMIT:
        raise InvalidSearch(f"limit must be from 1 to {MAX_LIMIT}, not {limit}.")
    if min_similarity is not None and not (isinstance(min_similarity, int | float) and -1 <= min_similarity <= 1):
        raise InvalidSearch(f"min_similarity must be from -1 to 1, not {min_similarity}.")
    if isinstance(entity_types, str):
        raise InvalidSearch(f"entity_types must be a list of names, not the string {entity_types!r}.")
    names = [embeddable.entity_type for embeddable in registry] if entity_types is None else entity_types
    return Request(
        owner_id=owner_id,
        model=model,
        entity_types=[registry.get(name).entity_type for name in names],
        limit=limit,
        min_similarity=model.min_similarity if min_similarity is None else min_similarity,
    )


def check_user(user: Any) -> None:
    """Raises InvalidSearch for whoever cannot own anything: an anonymous user, one who was never saved."""
    if not isinstance(user, get_user_model()) or user.pk is None:
        raise InvalidSearch(f"A search is made for a saved user, not for {user!r}.")
