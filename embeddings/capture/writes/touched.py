"""Which embeddables a write to rows of a model concerns, and how."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import Model

from embeddings.registering.embeddable import Embeddable
from embeddings.registering.hops import Hop, column_hops_of
from embeddings.registering.paths import concrete, find_field
from embeddings.registering.registry import registry

Path = tuple[Embeddable, str]


@dataclass(frozen=True, kw_only=True)
class Touched:
    """Embeddables, by what the rows are to their entities."""

    own: list[Embeddable] = field(default_factory=list)
    """The rows are entities."""
    inheriting: list[Embeddable] = field(default_factory=list)
    """Rows of a child's table may complete the rows to entities."""
    related: list[Path] = field(default_factory=list)
    """Entities, any number, lead to the rows by their own columns, or by rows between."""
    links: list[Path] = field(default_factory=list)
    """The rows name the entity that leads to them, and may name another one from now on."""

    def __bool__(self) -> bool:
        return any((self.own, self.inheriting, self.related, self.links))


def find_touched(model: type[Model], names: Iterable[str] | None) -> Touched:
    """`names`: of the fields that are written; None: whole rows are."""
    written = None if names is None else frozenset(_all_names(model, names))
    is_rekeyed = written is not None and model._meta.pk.name in written
    touched = Touched()
    for embeddable in registry:
        if written is None or is_rekeyed or embeddable.is_touched_by(written):
            if issubclass(concrete(model), concrete(embeddable.model)):
                touched.own.append(embeddable)
            elif issubclass(concrete(embeddable.model), concrete(model)):
                touched.inheriting.append(embeddable)
        for hop in column_hops_of(embeddable):
            if _is_kin(model, hop.target) and (is_rekeyed or _matters(hop, written)):
                (touched.links if hop.is_reverse else touched.related).append((embeddable, hop.path))
            if hop.through is model and not hop.link.remote_field.hidden:
                path = "__".join(filter(None, (hop.prefix, hop.link.related_query_name())))
                touched.links.append((embeddable, path))
    return touched


def _all_names(model: type[Model], names: Iterable[str]) -> Iterator[str]:
    """Names and attnames, whichever was given."""
    for name in names:
        found = find_field(model, name)
        yield from (name, *filter(None, (getattr(found, "name", None), getattr(found, "attname", None))))


def _is_kin(model: type[Model], other: type[Model]) -> bool:
    """Whether a row of the one can be, or be a part of, a row of the other."""
    return issubclass(concrete(model), other) or issubclass(other, concrete(model))


def _matters(hop: Hop, written: frozenset[str] | None) -> bool:
    return hop.matters(written) or (hop.is_reverse and written is not None and hop.link.name in written)
