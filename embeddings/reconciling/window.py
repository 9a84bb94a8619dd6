"""What a look at a part of the entities found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["excluded", "owed", "missing", "wrong_model", "stale", "wrong_owner", "incomplete", "stray", "orphaned", "differing"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An entity that was looked for, mostly because it is not right. `rank` counts from 1 within its window, in the order of the keys.
    `owner_id` is the row's, '' where there is none."""

    kind: Kind
    entity_id: str
    rank: int
    owner_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Window:
    """`looked_at` entities up to the key `last`. `counts` of each kind, right ones too; `found` the others, in the order of keys."""

    looked_at: int
    last: str
    is_end: bool
    counts: Counter[str]
    found: list[Finding] = field(default_factory=list)

    def cut(self, most: int) -> Window:
        """The same with the first findings only, ending at the last of them, so that the next look goes on behind it."""
        if len(self.found) <= most:
            return self
        found = self.found[:most]
        end = found[-1]
        return Window(looked_at=end.rank, last=end.entity_id, is_end=False, counts=Counter(finding.kind for finding in found), found=found)


def windows(look: Callable[[str], Window], after: str = "") -> Iterator[Window]:
    """One behind the other to the end, each looked at when what was done about the one before is done."""
    is_end = False
    while not is_end:
        window = look(after)
        yield window
        after, is_end = window.last, window.is_end
