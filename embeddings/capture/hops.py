"""The steps from an entity to the rows that it depends on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignObjectRel, Model

from embeddings.capture.embeddable import Embeddable
from embeddings.capture.paths import fields_on


@dataclass(frozen=True, kw_only=True)
class Hop:
    """The last step of a path in `Embeddable.dependencies`, from rows of `origin` to those of `target`."""

    prefix: str
    """The path to `origin`; empty: the entity itself."""
    path: str
    origin: type[Model]
    target: type[Model]
    fields: frozenset[str]
    """The target's fields that matter; none for all."""
    through: type[Model] | None
    """The model of the rows between, if many-to-many."""
    link: Any
    """The foreign key by which another row names its row of `origin`: the target's, if the step is a reverse one, or that of
    `through`. None for a forward step, whose foreign key is the origin's own column."""
    is_constrained: bool
    """Whether the database itself refuses that a forward step leads nowhere."""


def hops_of(embeddable: Embeddable) -> Iterator[Hop]:
    """Leaves out what is no relation (embeddings.E002 says so) and generic relations, whose rows name theirs by type and key."""
    for path, fields in embeddable.dependencies.items():
        try:
            steps = fields_on(embeddable.model, path)
        except FieldDoesNotExist:
            continue
        last = steps[-1]
        if last.related_model is None or (last.one_to_many and not isinstance(last, ForeignObjectRel)):
            continue
        origin = steps[-2].related_model if len(steps) > 1 else embeddable.model
        through, link = _link_of(last)
        yield Hop(
            prefix=path.rpartition("__")[0],
            path=path,
            origin=concrete(origin),
            target=concrete(last.related_model),
            fields=fields,
            through=through,
            link=link,
            is_constrained=getattr(last, "db_constraint", True),
        )


def _link_of(field: Any) -> tuple[type[Model] | None, Field[Any, Any] | None]:
    if field.many_to_many:
        is_reverse = isinstance(field, ForeignObjectRel)
        forward = field.field if is_reverse else field
        through = forward.remote_field.through
        return through, through._meta.get_field(forward.m2m_reverse_field_name() if is_reverse else forward.m2m_field_name())
    return None, field.field if isinstance(field, ForeignObjectRel) else None


def concrete(model: type[Model]) -> type[Model]:
    """The model whose table holds the rows: of a proxy, the one that it stands for."""
    return model._meta.concrete_model or model
