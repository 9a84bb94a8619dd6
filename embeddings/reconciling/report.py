"""What is right and wrong with the index of one entity type in one model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

WRONG = ("missing", "stale", "wrong_model", "wrong_owner", "incomplete", "stray", "orphaned", "differing")
"""Counts of entities that a comparison found wrong, and that nothing owes yet."""

OPEN = ("pending", "parked", "failed", "fan_outs")
"""Counts of work that is owed or did not succeed."""


@dataclass(frozen=True, kw_only=True)
class TypeReport:
    """Counts are of entities. Each row is one of `embedded` to `stray`, or owed: pending or parked, whatever the index says of it.

    `embedded`: the vectors are there, for its owner, by the present recipe; `empty`: it has no content; `excluded`: should_embed
    refused it, or it has no owner. `missing`: no worker has looked at it; `stale`: stored by another recipe (content version, chunking);
    `wrong_model`: looked at for another model only; `wrong_owner`: row, state and vectors do not agree on the owner; `incomplete`: not the
    vectors that its state has; `stray`: vectors that no state has. `orphaned`: indexed, but there is no row, or nobody registers the type.
    `differing`: not the row's present content; counted only where contents were compared, as `failing` is: content that cannot be built.
    `pending` and `parked` are what is owed; `failed`: the last attempt failed; `fan_outs`: changed rows whose dependants are to be marked.
    """

    entity_type: str
    database: str
    model: str
    is_active: bool = True
    is_registered: bool = True
    rows: int = 0
    embedded: int = 0
    empty: int = 0
    excluded: int = 0
    missing: int = 0
    stale: int = 0
    wrong_model: int = 0
    wrong_owner: int = 0
    incomplete: int = 0
    stray: int = 0
    orphaned: int = 0
    differing: int = 0
    failing: int = 0
    pending: int = 0
    parked: int = 0
    failed: int = 0
    fan_outs: int = 0
    tokens: int = 0
    oldest_pending_seconds: float | None = None
    keys_compared_at: datetime | None = None
    contents_compared_at: datetime | None = None

    @property
    def wrong(self) -> int:
        return sum(self.count(name) for name in WRONG)

    @property
    def is_right(self) -> bool:
        return not self.wrong and not any(self.count(name) for name in OPEN)

    def count(self, name: str) -> int:
        return int(getattr(self, name))
