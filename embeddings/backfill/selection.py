"""Which rows a backfill is for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import router
from django.db.models import DateField, F, Field, Model, QuerySet

from embeddings.conf import settings
from embeddings.exceptions import InvalidBackfill
from embeddings.models import EmbeddingModel
from embeddings.owing.changes import PART
from embeddings.registering.embeddable import Embeddable, owner_text
from embeddings.registering.registry import registry

Key = tuple[Any, str]
"""A primary key and the owner's, '' where there is none."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """An entity type in one database, with the model that is active there."""

    embeddable: Embeddable
    model: EmbeddingModel

    @property
    def entity_type(self) -> str:
        return self.embeddable.entity_type

    @property
    def using(self) -> str:
        return self.model.database


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows of some owner, or changed since some moment; all of them by default."""

    owner_id: Any = None
    since: datetime | None = None

    def rows(self, target: Target) -> QuerySet[Any]:
        """Raises InvalidBackfill for a model that does not tell when its rows change."""
        rows = target.embeddable.model._base_manager.using(target.using)
        wanted: dict[str, Any] = {}
        if self.owner_id is not None:
            wanted[target.embeddable.owner] = self.owner_id
        if self.since is not None:
            field = _changed_at(target.embeddable.model)
            wanted[f"{field.name}__gte"] = self.since.date() if field.get_internal_type() == "DateField" else self.since
        return rows.filter(**wanted)


def targets(entity_types: Collection[str] | None = None, *, using: str | None = None) -> list[Target]:
    """The entity types (default: all), in each database that has their tables. Raises NotRegistered."""
    chosen = list(registry) if entity_types is None else [registry.get(entity_type) for entity_type in entity_types]
    models = [EmbeddingModel.objects.using(alias).active() for alias in (settings.databases if using is None else [using])]
    return [
        Target(embeddable=embeddable, model=model)
        for model in models
        for embeddable in chosen
        if router.allow_migrate_model(model.database, embeddable.model)
    ]


def keys_in_parts(rows: QuerySet[Any], embeddable: Embeddable) -> Iterator[list[Key]]:
    """The rows' keys, a thousand at a time in the order of the key, each part by a query of its own: nothing is held open."""
    if rows.query.is_sliced or rows.query.combinator or rows.query.distinct:
        rows = embeddable.model._base_manager.using(rows.db).filter(pk__in=rows.values("pk"))
    in_order = rows.order_by("pk").values_list("pk", F(embeddable.owner))
    part = list(in_order[:PART])
    while part:
        yield [(pk, owner_text(owner)) for pk, owner in dict(part).items()]  # a join may give a row twice
        part = list(in_order.filter(pk__gt=part[-1][0])[:PART]) if len(part) == PART else []


def _changed_at(model: type[Model]) -> Field[Any, Any]:
    """The field that Django sets at every save, or else at the first one."""
    fields = [field for field in model._meta.concrete_fields if isinstance(field, DateField)]
    for field in (*filter(lambda field: field.auto_now, fields), *filter(lambda field: field.auto_now_add, fields)):
        return field
    raise InvalidBackfill(
        f"{model._meta.label} has no date that Django sets when its rows change (auto_now): name other types with --type."
    )
