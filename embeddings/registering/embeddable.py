"""Embeddable: how the rows of one model are embedded."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet

from embeddings.registering.chunking import Chunking
from embeddings.registering.dependencies import Dependencies, dependencies_of
from embeddings.registering.paths import attribute_path, find_field, is_single

log = logging.getLogger("embeddings")


class Embeddable:
    """How a model's rows are embedded. Subclass it in an app's `embeddables.py` under `@register(Model)`."""

    entity_type: ClassVar[str]
    owner: ClassVar[str] = "user"
    """Field path to the owner, who alone finds the entity: "user", or "task__user"."""
    fields: ClassVar[tuple[str, ...] | None] = None
    """What content, metadata, owner and should_embed depend on; None: every field. A save whose update_fields lie outside is ignored."""
    soft_delete: ClassVar[tuple[str, ...]] = ("deleted_at", "is_deleted", "deleted")
    """Names of soft-delete fields; those that the model has count always, as the owner does."""
    depends_on: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Relations (foreign keys, reverse ones, many-to-many, paths of them) whose rows' changes make an entity stale, each with the
    related fields that matter (none named: all)."""
    content_version: ClassVar[int] = 1
    """Raise it when `content` builds another text: all entities are stale then."""
    chunking: ClassVar[Chunking] = Chunking()
    """How content is split that is longer than the model reads."""

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
        """All rows of the model, with what `content` reads already joined or prefetched. Leave out none: `should_embed` decides."""
        rows = self.model._base_manager.all()
        joined = [path for path in self.depends_on if is_single(self.model, path)]
        prefetched = [attribute_path(self.model, path) for path in self.depends_on if path not in joined]
        rows = rows.select_related(*joined) if joined else rows
        return rows.prefetch_related(*prefetched) if prefetched else rows

    def owner_id(self, obj: Any) -> Any:
        """The owner's primary key; None where there is none, or the row that leads there is gone."""
        *path, last = self.owner.split("__")
        for name in path:
            try:
                obj = getattr(obj, name)
            except ObjectDoesNotExist:
                return None
            if obj is None:
                return None
        return getattr(obj, obj._meta.get_field(last).attname)

    def key_of(self, entity_id: str) -> Any:
        """The id as the model's key has it; None where it cannot be one."""
        try:
            return self.model._meta.pk.to_python(entity_id)
        except Exception:
            return None

    def is_touched_by(self, update_fields: frozenset[str] | None) -> bool:
        """Whether a save of these fields (None: all of them) can change anything here."""
        if update_fields is None or self.watched_fields is None:
            return True
        return not update_fields.isdisjoint(self.watched_fields)

    @cached_property
    def watched_fields(self) -> frozenset[str] | None:
        """Names and attnames of the model's own fields that matter; None: all."""
        if self.fields is None:
            return None
        names = {*self.fields, *(path.split("__")[0] for path in (*self.depends_on, self.owner)), *self.soft_delete}
        found = [field for name in names if (field := find_field(self.model, name)) is not None]
        return frozenset(names) | {field.name for field in found} | {field.attname for field in found if hasattr(field, "attname")}

    @cached_property
    def dependencies(self) -> Dependencies:
        """The rows, by path, whose changes make an entity stale; the related fields that matter, none for all."""
        return dependencies_of(self.model, depends_on=self.depends_on, owner=self.owner, own_fields=self.watched_fields)

    @property
    def recipe(self) -> str:
        """What, beside the row, the stored content depends on."""
        return f"{self.content_version} {self.chunking}"


def owner_text(owner_id: Any) -> str:
    """An owner's key as states, changes and payloads have it: text, "" for nobody's."""
    return "" if owner_id is None else str(owner_id)
