"""A hit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """An entity by its best chunk. `similarity` is the cosine, from -1 to 1; `entity` the model instance, read for this answer."""

    entity_type: str
    entity_id: str
    content: str
    chunk_index: int
    similarity: float
    metadata: dict[str, Any]
    entity: Any = field(repr=False, compare=False)
