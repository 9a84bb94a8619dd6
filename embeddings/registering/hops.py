"""The steps from an entity to the rows that it depends on, for all that captures their changes: signals, querysets and triggers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Field, ForeignObjectRel, Model, QuerySet

from embeddings.registering.dependencies import back_link
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.paths import concrete, fields_on


@dataclass(frozen=True, kw_only=True)
class Hop:
    """The last step of a path in `Embeddable.dependencies`, from rows of `origin` to those of `target`."""

    embeddable: Embeddable
    prefix: str
    """The path to `origin`; empty: the entity itself."""
    path: str
    origin: type[Model]
    target: type[Model]
    fields: frozenset[str]
    """The target's fields that matter; none for all."""
    relation: Any
    """The step as Django describes it."""
    through: type[Model] | None
    """The model of the rows between, if many-to-many."""
    link: Any
    """The foreign key by which another row names its row of `origin`: the target's, if the step is a reverse one, or that of
    `through`. None for a forward step, whose foreign key is the origin's own column."""

    @property
    def is_constrained(self) -> bool:
        """Whether the database itself refuses that a forward step leads nowhere."""
        return bool(getattr(self.relation, "db_constraint", True))

    @property
    def is_generic(self) -> bool:
        """Whether the target's rows name theirs of `origin` by type and key."""
        return bool(self.relation.one_to_many and not isinstance(self.relation, ForeignObjectRel))

    @property
    def is_to_parent(self) -> bool:
        """Whether the target's row is the part of one and the same object that stands in its parent's table."""
        return bool(self.relation.concrete and getattr(self.relation.remote_field, "parent_link", False))

    @property
    def is_reverse(self) -> bool:
        """Whether the target's rows hold the link themselves."""
        return self.link is not None and self.through is None

    def matters(self, update_fields: frozenset[str] | None) -> bool:
        """Whether a save of these fields of the target (None: all of them) changes what its entities say."""
        return not self.fields or update_fields is None or not self.fields.isdisjoint(update_fields)

    def leading_to(self, key: Any, using: str) -> QuerySet[Any]:
        """Keys of the rows of `origin` that lead to the target's row as the database has it: to one without a key, none."""
        name = self.path.rpartition("__")[2]
        rows = self.origin._base_manager.using(using)
        found = rows.none() if key is None else rows.filter(**{f"{name}__pk": key})  # None would mean all that lead to no row
        return found.order_by().values_list("pk", flat=True).distinct()


def hops_of(embeddable: Embeddable) -> Iterator[Hop]:
    """Leaves out what is no relation: embeddings.E002 says so."""
    for path, fields in embeddable.dependencies.items():
        steps = fields_on(embeddable.model, path)
        relation = steps[-1]
        if relation.related_model is None:
            continue
        through, link = _link_of(relation)
        yield Hop(
            embeddable=embeddable,
            prefix=path.rpartition("__")[0],
            path=path,
            origin=concrete(steps[-2].related_model if len(steps) > 1 else embeddable.model),
            target=concrete(relation.related_model),
            fields=fields,
            relation=relation,
            through=through,
            link=link,
        )


def column_hops_of(embeddable: Embeddable) -> Iterator[Hop]:
    """Those along which other rows are named by a column, so neither generic relations nor the steps to the parts of a row in its
    parents' tables."""
    return (hop for hop in hops_of(embeddable) if not hop.is_generic and not hop.is_to_parent)


def _link_of(relation: Any) -> tuple[type[Model] | None, Field[Any, Any] | None]:
    if relation.many_to_many:
        is_reverse = isinstance(relation, ForeignObjectRel)
        forward = relation.field if is_reverse else relation
        through = forward.remote_field.through
        return through, through._meta.get_field(forward.m2m_reverse_field_name() if is_reverse else forward.m2m_field_name())
    return None, back_link(relation)
