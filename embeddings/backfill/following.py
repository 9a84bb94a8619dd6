"""How far the workers are with what is owed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db import connections

from embeddings.backfill.selection import Target
from embeddings.models import DirtyEntity
from embeddings.models.dirty import DirtyEntityQuerySet
from embeddings.owing.parking import Parked, parked_entity

REASONS = 5


class Owed:
    """The work of some types that is owed now: what is saved later does not count, by each database's own clock."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._types: dict[str, list[str]] = {}
        for target in targets:
            self._types.setdefault(target.using, []).append(target.entity_type)
        self.started_at = {using: _now(using) for using in self._types}
        self._until = self.started_at

    def count_from_here(self) -> None:
        """All that is owed by now counts."""
        self._until = {using: _now(using) for using in self._types}

    def pending(self) -> int:
        """An entity that is saved again while it waits is the same work still."""
        return sum(rows.pending().filter(dirtied_at__lte=self._until[using]).count() for using, rows in self._rows())

    def parked(self) -> int:
        return sum(self._parked_here(rows, using).count() for using, rows in self._rows())

    def reasons(self) -> list[Parked]:
        """The first few of those that were parked since the start."""
        found: list[Parked] = []
        for using, rows in self._rows():
            first = self._parked_here(rows, using).order_by("parked_at")[:REASONS]
            found += [parked_entity(row, using) for row in first]
        return found[:REASONS]

    def _parked_here(self, rows: DirtyEntityQuerySet, using: str) -> DirtyEntityQuerySet:
        return rows.parked().filter(parked_at__gte=self.started_at[using])

    def _rows(self) -> Iterator[tuple[str, DirtyEntityQuerySet]]:
        for using, entity_types in self._types.items():
            yield using, DirtyEntity.objects.using(using).filter(entity_type__in=entity_types)


def _now(using: str) -> datetime:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment
