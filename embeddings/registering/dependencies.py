"""On which rows beside its own an entity depends: by path, with the fields that matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model

from embeddings.registering.paths import concrete, fields_on, find_field

Dependencies = dict[str, frozenset[str]]
"""The related fields that matter by path, names and attnames; none: all of them."""


def dependencies_of(
    model: type[Model], *, depends_on: Mapping[str, Iterable[str]], owner: str, own_fields: frozenset[str] | None
) -> Dependencies:
    """`depends_on`; the rows on the way there and to the owner, of which the links matter; the tables that any of these inherit from.

    Paths that do not exist are left out: embeddings.E002 says so.
    """
    found: dict[str, set[str]] = defaultdict(set)
    whole: set[str] = set()
    for path, names in depends_on.items():
        way = _way(model, path)
        for prefix, links in way:
            found[prefix] |= links
        if way:
            found[path] |= _with_attnames(fields_on(model, path)[-1].related_model, names)
            whole |= set() if names else {path}
    for prefix, links in _way(model, owner)[:-1]:
        found[prefix] |= links
    dependencies = {path: frozenset() if path in whole else frozenset(names) for path, names in found.items()}
    inherited = {
        f"{path}__{suffix}": names
        for path, names in dependencies.items()
        for suffix in parent_paths(fields_on(model, path)[-1].related_model)
    }
    own = dict.fromkeys(parent_paths(model), own_fields or frozenset())
    return {**own, **inherited, **dependencies}


def parent_paths(model: type[Model], prefix: str = "") -> Iterator[str]:
    """The paths to the rows in other tables that a row of this model consists of (multi-table inheritance)."""
    own = concrete(model)
    for parent, link in own._meta.parents.items():
        if link is not None and link.model is own:
            yield prefix + link.name
            yield from parent_paths(parent, f"{prefix}{link.name}__")


def _way(model: type[Model], path: str) -> list[tuple[str, set[str]]]:
    """For each row on the way: the path to it, and its own fields that make it lead or be led to. Empty where the path does not exist."""
    try:
        hops = fields_on(model, path)
    except FieldDoesNotExist:
        return []
    names = path.split("__")
    way: list[tuple[str, set[str]]] = []
    for index, hop in enumerate(hops):
        if hop.related_model is None:  # an owner's key that is no relation
            return [*way, (path, set())]
        links = {back_link(hop).name} if back_link(hop) else set()
        if index + 1 < len(hops) and getattr(hops[index + 1], "concrete", False):
            links.add(hops[index + 1].name)
        way.append(("__".join(names[: index + 1]), _with_attnames(hop.related_model, links or {hop.related_model._meta.pk.name})))
    return way


def back_link(hop: Any) -> Any:
    """The foreign key on the related row by which it is led to, for a reverse relation; else None."""
    is_reverse = hop.auto_created and not hop.concrete and not hop.many_to_many
    return hop.field if is_reverse else None


def _with_attnames(model: type[Model], names: Iterable[str]) -> set[str]:
    found = set(names)
    return found | {attname for name in found if (attname := getattr(find_field(model, name), "attname", None))}
