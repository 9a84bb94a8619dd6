"""Where a page of jobs begins, as its address has it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

CURSOR = re.compile(r"([a-z]*)~(-?[0-9]{1,12})?~(-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,3})?)?~(-?)~(.*)", re.DOTALL)
"""source, offset, score, sign of the step, member"""


class Order(StrEnum):
    """FIRST: what runs next, or ended or was added the longest ago, comes first; LAST is the opposite."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A row that one goes on from: after it, or with `step` -1 before it. Without a member, the offset alone."""

    source: str = ""
    offset: int | None = None
    score: str = ""
    member: str = ""
    step: int = 1

    def __str__(self) -> str:
        return "~".join(
            (self.source, "" if self.offset is None else str(self.offset), self.score, "-" if self.step < 0 else "", self.member)
        )

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """What `str` gave; rubbish is the beginning."""
        if not (found := CURSOR.fullmatch(text)):
            return cls()
        source, offset, score, sign, member = found.groups(default="")
        return cls(source=source, offset=int(offset) if offset else None, score=score, member=member, step=-1 if sign else 1)


BEGINNING = Cursor()
