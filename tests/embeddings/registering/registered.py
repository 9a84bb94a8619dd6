"""Embeddables that live for one test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from embeddings import register
from embeddings.capture.receivers.signals import connect_embeddable
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import registry


@contextmanager
def instead_of(entity_type: str, embeddable_class: type[Embeddable] | None = None, **options: Any) -> Iterator[Embeddable]:
    """The model of the entity type registered in another way, and back again."""
    before = registry.get(entity_type)
    registry.unregister(entity_type)
    options = {"entity_type": entity_type, **options}
    try:
        register(before.model, embeddable_class, **options)
        yield registry.get(options["entity_type"])
    finally:
        for embeddable in registry:
            if embeddable.model is before.model:
                registry.unregister(embeddable.entity_type)
        registry._by_type[entity_type] = before
        connect_embeddable(before)
