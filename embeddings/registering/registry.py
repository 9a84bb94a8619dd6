"""Which models are embedded, and how: registered as in Django's admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar, overload

from django.db.models import Model

from embeddings.exceptions import AlreadyRegistered, InvalidEmbeddable, NotRegistered
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.options import OPTIONS, find_mistakes, unknown, with_options
from embeddings.registering.paths import concrete

E = TypeVar("E", bound="type[Embeddable]")


class Registry:
    """Embeddables by entity type and by model."""

    def __init__(self) -> None:
        self._by_type: dict[str, Embeddable] = {}

    def register(self, model: type[Model], embeddable_class: type[Embeddable]) -> Embeddable:
        """A proxy is registered as the model whose rows it shows. Raises AlreadyRegistered, InvalidEmbeddable."""
        if mistakes := find_mistakes(model, embeddable_class):
            raise InvalidEmbeddable(f"{embeddable_class.__qualname__} for {model._meta.label}: {'; '.join(mistakes)}.")
        embeddable = embeddable_class(concrete(model))
        if (known := self._by_type.get(embeddable.entity_type)) is not None:
            raise AlreadyRegistered(f"The entity type {embeddable.entity_type!r} belongs to {known.model._meta.label}.")
        if any(known.model is embeddable.model for known in self):
            raise AlreadyRegistered(f"{embeddable.model._meta.label} is registered already.")
        self._by_type[embeddable.entity_type] = embeddable
        return embeddable

    def unregister(self, entity_type: str) -> None:
        """Signals stay connected. Raises KeyError."""
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


registry = Registry()


@overload
def register(model: type[Model]) -> Callable[[E], E]: ...
@overload
def register(model: type[Model], embeddable_class: E, **options: Any) -> E: ...
@overload
def register(model: type[Model], embeddable_class: None = None, **options: Any) -> type[Embeddable]: ...
def register(model: type[Model], embeddable_class: E | None = None, **options: Any) -> E | type[Embeddable] | Callable[[E], E]:
    """`@register(Note)` on a subclass of Embeddable, `register(Note, NoteEmbeddable)`, or the options alone:
    `register(Note, entity_type="note", owner="author", content=lambda note: note.title)`.

    Options are those of Embeddable, and come before the class's own. A function among them takes what the method takes without
    `self`: `content(obj)`, `should_embed(obj)`, `metadata(obj)`, `queryset()`; what needs more is a class.
    Raises AlreadyRegistered (the model, or the entity type, has an embeddable), InvalidEmbeddable (with all that is wrong).
    """
    if not isinstance(model, type) or not issubclass(model, Model):
        raise InvalidEmbeddable(f"register() takes a model class, not {model!r}.")
    if mistakes := [unknown(name) for name in options if name not in OPTIONS]:
        raise InvalidEmbeddable(f"{model._meta.label}: {'; '.join(mistakes)}.")

    def decorate(found: E) -> E:
        _register(model, found, options)
        return found

    if embeddable_class is None and not options:
        return decorate
    return _register(model, embeddable_class or Embeddable, options)


def _register(model: type[Model], embeddable_class: type[Embeddable], options: dict[str, Any]) -> type[Embeddable]:
    if not isinstance(embeddable_class, type) or not issubclass(embeddable_class, Embeddable):
        raise InvalidEmbeddable(f"{model._meta.label} needs a subclass of Embeddable, not {embeddable_class!r}.")
    registry.register(model, with_options(embeddable_class, options))
    return embeddable_class
