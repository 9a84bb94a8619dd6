"""Long texts of a job as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MOST_CHARACTERS = 20_000
"""Of one text: longer ones are cut, with a link to the whole."""
MOST_OF_A_LINE = 2000
MOST_OF_A_TRACEBACK = 32_000


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A text, cut where it is long: `more` says how many characters are left out."""

    text: str
    more: int = 0

    @classmethod
    def cut(cls, text: str, most: int = MOST_CHARACTERS) -> Shown:
        return cls(text=text[:most], more=max(0, len(text) - most))


@dataclass(frozen=True, kw_only=True)
class Traceback:
    """Of one run, by its worker; `at` is when it ended."""

    title: str
    text: str
    worker: str
    at: datetime | None
