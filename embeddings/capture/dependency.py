"""One relation on which entities depend, and what leads along it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import Model, QuerySet

from embeddings.capture.dependencies import back_link
from embeddings.capture.embeddable import Embeddable
from embeddings.capture.fan_outs import fan_out, fan_out_unlocked
from embeddings.capture.paths import fields_on


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """The rows at the end of `path`. Raises FieldDoesNotExist where it leads nowhere."""

    embeddable: Embeddable
    path: str
    fields: frozenset[str]
    """The related row's fields that matter; none: all."""

    @cached_property
    def hop(self) -> Any:
        """The last relation of the path, as Django describes it."""
        return fields_on(self.embeddable.model, self.path)[-1]

    @cached_property
    def before(self) -> str:
        """The path without its last relation; empty: the entity itself."""
        return self.path.rpartition("__")[0]

    @cached_property
    def source(self) -> type[Model]:
        """The model that the last relation starts from."""
        model = fields_on(self.embeddable.model, self.before)[-1].related_model if self.before else self.embeddable.model
        return model

    @property
    def related(self) -> type[Model]:
        return self.hop.related_model  # type: ignore[no-any-return]

    @property
    def is_parent_link(self) -> bool:
        """Whether the related row is the part of one and the same object that stands in its parent's table."""
        return bool(getattr(self.hop.remote_field, "parent_link", False) and self.hop.concrete)

    @property
    def link(self) -> Any:
        """The related row's own foreign key to what leads to it; None where the relation is kept elsewhere."""
        return back_link(self.hop)

    def matters(self, update_fields: frozenset[str] | None) -> bool:
        return not self.fields or update_fields is None or not self.fields.isdisjoint(update_fields)

    def key_of(self, row: Model) -> Any:
        """The related row's key; an object of a child model has another of its own."""
        return getattr(row, self.related._meta.pk.attname)

    def leading_to(self, key: Any, using: str) -> QuerySet[Any]:
        """Keys of the source rows that lead to the related row as the database has it: to one without a key, none."""
        name = self.path.rpartition("__")[2]
        rows = self.source._base_manager.using(using)
        found = rows.none() if key is None else rows.filter(**{f"{name}__pk": key})  # None would mean all that lead to no row
        return found.order_by().values_list("pk", flat=True).distinct()

    def mark(self, key: Any, using: str) -> None:
        """The related row has changed, and stands."""
        fan_out(self.embeddable, self.path, key, using=using)

    def mark_sources(self, keys: Any, using: str) -> None:
        """What these source rows are, or is led to by them, has changed."""
        fan_out_unlocked(self.embeddable, self.before, keys, using=using)
