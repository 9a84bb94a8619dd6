"""Which models are embedded, and how: registered as in Django's admin."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, QuerySet

from embeddings.exceptions import AlreadyRegistered, InvalidEmbeddable, NotRegistered

log = logging.getLogger("embeddings")

E = TypeVar("E", bound="type[Embeddable]")


class Embeddable:
    """How a model's rows are embedded. Subclass it in an app's `embeddables.py` under `@register(Model)`."""

    entity_type: ClassVar[str]
    owner: ClassVar[str] = "user"
    """Field path to the owner, who alone finds the entity: "user", or "task__user"."""
    fields: ClassVar[tuple[str, ...] | None] = None
    """What content, metadata and should_embed depend on; None: every field. A save whose update_fields lie outside is ignored."""
    depends_on: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Foreign keys whose rows' changes make this one stale, each with the related fields that matter (none named: all)."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    def content(self, obj: Any) -> str:
        """The text that is embedded. Empty: the entity has no embedding."""
        raise NotImplementedError

    def should_embed(self, obj: Any) -> bool:
        """False removes the entity from the index, as deleting it would."""
        return True

    def is_wanted(self, obj: Any) -> bool:
        """`should_embed`, where one row's failure must not be everybody's: a row that cannot tell is not wanted."""
        try:
            return self.should_embed(obj)
        except Exception:
            log.exception("should_embed of %s %s failed", self.entity_type, obj.pk)
            return False

    def metadata(self, obj: Any) -> dict[str, Any]:
        """JSON stored with the vector and returned with hits."""
        return {}

    def queryset(self) -> QuerySet[Any]:
        """All rows of the model, with what `content` reads already joined."""
        rows = self.model._base_manager.all()
        return rows.select_related(*self.depends_on) if self.depends_on else rows

    def owner_id(self, obj: Any) -> Any:
        """The owner's primary key, None where there is none."""
        *path, last = self.owner.split("__")
        for name in path:
            obj = getattr(obj, name)
            if obj is None:
                return None
        return getattr(obj, obj._meta.get_field(last).attname)

    def is_touched_by(self, update_fields: frozenset[str] | None) -> bool:
        """Whether a save of these fields (None: all of them) can change anything here."""
        if update_fields is None or self.fields is None:
            return True
        owner = self.owner.split("__")[0]
        return not update_fields.isdisjoint({*self.fields, *self.depends_on, owner, self.model._meta.get_field(owner).attname})  # type: ignore[union-attr]


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
        if entity_type in self._by_type:
            raise AlreadyRegistered(f"The entity type {entity_type!r} belongs to {self._by_type[entity_type].model._meta.label}.")
        if any(known.model is model for known in self):
            raise AlreadyRegistered(f"{model._meta.label} is registered already.")
        unknown = [
            name
            for name in vars(embeddable_class)
            if not name.startswith("_")
            and not callable(vars(embeddable_class)[name])
            and not hasattr(Embeddable, name)
            and name != "entity_type"
        ]
        if unknown:
            raise InvalidEmbeddable(f"{embeddable_class.__qualname__} has unknown options: {', '.join(sorted(unknown))}.")
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

    def find_by_model(self, model: type[Model]) -> Embeddable | None:
        return next((embeddable for embeddable in self if issubclass(model, embeddable.model)), None)

    def __iter__(self) -> Iterator[Embeddable]:
        return iter(list(self._by_type.values()))

    def __contains__(self, entity_type: str) -> bool:
        return entity_type in self._by_type


registry = Registry()


def register(*models: type[Model]) -> Callable[[E], E]:
    """Decorates an Embeddable class: `@register(Note)`."""

    def decorate(embeddable_class: E) -> E:
        for model in models:
            registry.register(model, embeddable_class)
        return embeddable_class

    return decorate
