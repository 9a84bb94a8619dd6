"""Which models are embedded, and how: registered as in Django's admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, overload

from django.db.models import Model

from embeddings.capture.embeddable import Embeddable
from embeddings.exceptions import AlreadyRegistered, InvalidEmbeddable, NotRegistered

E = TypeVar("E", bound="type[Embeddable]")


class Registry:
    """Embeddables by entity type and by model."""

    def __init__(self) -> None:
        self._by_type: dict[str, Embeddable] = {}

    def register(self, model: type[Model], embeddable_class: type[Embeddable]) -> Embeddable:
        """Raises AlreadyRegistered, InvalidEmbeddable."""
        embeddable = embeddable_class(model)
        entity_type = getattr(embeddable, "entity_type", "")
        if not entity_type:
            raise InvalidEmbeddable(f"{embeddable_class.__qualname__} needs an entity_type.")
        if embeddable_class.content is Embeddable.content:
            raise InvalidEmbeddable(f"{embeddable_class.__qualname__} needs content(obj).")
        if entity_type in self._by_type:
            raise AlreadyRegistered(f"The entity type {entity_type!r} belongs to {self._by_type[entity_type].model._meta.label}.")
        if any(known.model is model for known in self):
            raise AlreadyRegistered(f"{model._meta.label} is registered already.")
        if unknown := _unknown_options(embeddable_class):
            raise InvalidEmbeddable(f"{embeddable_class.__qualname__} has unknown options: {', '.join(unknown)}.")
        self._by_type[entity_type] = embeddable
        return embeddable

    def unregister(self, entity_type: str) -> None:
        del self._by_type[entity_type]

    def get(self, entity_type: str) -> Embeddable:
        """Raises NotRegistered."""
        try:
            return self._by_type[entity_type]
        except KeyError:
            known = ", ".join(sorted(self._by_type)) or "none"
            raise NotRegistered(f"Unknown entity type {entity_type!r}: registered are {known}.") from None

    def get_by_model(self, model: type[Model]) -> Embeddable:
        """The embeddable of the model or of the nearest class that it inherits from. Raises NotRegistered."""
        for candidate in model.__mro__:
            for embeddable in self:
                if embeddable.model is candidate:
                    return embeddable
        raise NotRegistered(f"{model._meta.label} has no embeddable.")

    def __iter__(self) -> Iterator[Embeddable]:
        return iter(list(self._by_type.values()))

    def __contains__(self, entity_type: str) -> bool:
        return entity_type in self._by_type


def _unknown_options(embeddable_class: type[Embeddable]) -> list[str]:
    """Names that are neither an option nor a helper of the class's own: most likely misspelt."""
    return sorted(
        name
        for name, value in vars(embeddable_class).items()
        if not name.startswith("_") and not callable(value) and not hasattr(Embeddable, name) and name != "entity_type"
    )


registry = Registry()


@overload
def register(model: type[Model], embeddable_class: E, **options: Any) -> E: ...
@overload
def register(model: type[Model], embeddable_class: None = None, **options: Any) -> Callable[[E], E]: ...
def register(model: type[Model], embeddable_class: E | None = None, **options: Any) -> E | Callable[[E], E]:
    """`register(Note, NoteEmbeddable)`, or `@register(Note)` on the class; `options` replace attributes of it.

    Raises AlreadyRegistered, InvalidEmbeddable.
    """

    def decorate(found: E) -> E:
        registry.register(model, type(found.__name__, (found,), options) if options else found)
        return found

    return decorate if embeddable_class is None else decorate(embeddable_class)
