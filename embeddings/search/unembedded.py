"""What a search cannot find yet, which is said where it finds nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db import router

from embeddings.models import DirtyEntity, Embedding
from embeddings.registering.registry import registry
from embeddings.search.retrieval import alive

MOST = 1000


def count_unembedded(user: Any, *, entity_types: Collection[str] | None = None, using: str | None = None) -> int:
    """How many of the user's entities are not embedded as they stand now, among the thousand latest changes of everybody."""
    using = using or router.db_for_read(Embedding)
    changed: dict[str, list[Any]] = defaultdict(list)
    latest = DirtyEntity.objects.using(using).pending().order_by("-enqueued_at").values_list("entity_type", "entity_id")
    for entity_type, entity_id in latest[:MOST]:
        if entity_type in registry and (entity_types is None or entity_type in entity_types):
            changed[entity_type].append(registry.get(entity_type).key_of(entity_id))
    return sum(len(alive(entity_type, [key for key in keys if key is not None], user.pk, using)) for entity_type, keys in changed.items())
