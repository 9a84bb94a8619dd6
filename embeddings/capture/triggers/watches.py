"""Which columns of which tables an embeddable's entities depend on: what triggers watch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from embeddings.registering.embeddable import Embeddable
from embeddings.registering.hops import Hop, column_hops_of
from embeddings.registering.paths import concrete

Way = tuple[type[Model], str]
"""A table, and the unique column of it by which the row is found whose primary key is meant."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Rows of one table that make entities stale."""

    model: type[Model]
    """Whose table, without those of its parents."""
    path: str
    """From the entity to the row that `key` names; empty: it names the entity."""
    column: str
    ways: tuple[Way, ...] = ()
    """From the value of `column` to the key: empty, if it is the key itself."""
    columns: frozenset[str] | None
    """Those that matter beside `column` and the primary key, which always do; None: all."""
    updates_only: bool = False
    """Inserted and deleted rows concern nobody: others have to name them, or are told of it by rows of their own."""


def watches_of(embeddable: Embeddable) -> Iterator[Watch]:
    yield from _own(embeddable)
    for hop in column_hops_of(embeddable):
        yield from _links(hop)
        yield from _related(hop)


def _own(embeddable: Embeddable) -> Iterator[Watch]:
    model = concrete(embeddable.model)
    for table in _tables(model):
        columns = _columns(table, embeddable.watched_fields)
        if table is model:
            yield Watch(model=table, path="", column=_key(table), columns=columns)
        elif columns != frozenset():
            ways = _ways(model, table._meta.pk)
            yield Watch(model=table, path="", column=_key(table), ways=ways, columns=columns, updates_only=True)


def _links(hop: Hop) -> Iterator[Watch]:
    """Rows that name their row of the origin, and may name another one."""
    if hop.link is None:
        return
    model = concrete(hop.link.model)
    between = frozenset(column_of(field) for field in model._meta.concrete_fields if field.is_relation)
    yield Watch(
        model=model,
        path=hop.prefix,
        column=hop.link.column,
        ways=_ways(hop.origin, hop.link.target_field),
        columns=between if hop.through else _columns(model, hop.fields or None),
    )


def _related(hop: Hop) -> Iterator[Watch]:
    """Rows that are named by others."""
    for table in _tables(hop.target):
        columns = _columns(table, hop.fields or None)
        is_link = hop.is_reverse and table is concrete(hop.link.model)
        if columns != frozenset() and not is_link:
            ways = _ways(hop.target, table._meta.pk)
            is_named_first = hop.is_constrained or table is not hop.target
            yield Watch(model=table, path=hop.path, column=_key(table), ways=ways, columns=columns, updates_only=is_named_first)


def _tables(model: type[Model]) -> list[type[Model]]:
    """The model's own first, then its parents'."""
    return list(dict.fromkeys([model, *(concrete(parent) for parent in model._meta.get_parent_list())]))


def _columns(table: type[Model], names: frozenset[str] | None) -> frozenset[str] | None:
    if names is None:
        return None
    fields = [field for field in table._meta.local_concrete_fields if not names.isdisjoint({field.name, field.attname})]
    return frozenset(map(column_of, fields))


def _ways(model: type[Model], field: Any) -> tuple[Way, ...]:
    """From a value of the field, the model's or a parent's, to the key of the model's row."""
    owner = concrete(field.model)
    if owner is model:
        return () if field.primary_key else ((model, field.column),)
    link = model._meta.get_ancestor_link(owner)
    assert link is not None
    return (*_ways(concrete(link.remote_field.model), field), (model, link.column))


def _key(model: type[Model]) -> str:
    return column_of(model._meta.pk)


def column_of(field: Any) -> str:
    return str(field.column)
