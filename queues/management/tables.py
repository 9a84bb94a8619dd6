"""Tables on the command line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

UNITS = (("d", 86400), ("h", 3600), ("m", 60))


def columns(rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """The rows as lines, each column as wide as its longest cell, those of `numbers` aligned to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(_cell(cell, widths[at], at in numbers) for at, cell in enumerate(row)).rstrip() for row in rows)


def _cell(text: str, width: int, is_number: bool) -> str:
    return text.rjust(width) if is_number else text.ljust(width)


def span(seconds: float | None) -> str:
    """`45s`, `3m`, `5h`, `2d`; `-` for None."""
    if seconds is None:
        return "-"
    unit, size = next(((unit, size) for unit, size in UNITS if seconds >= 2 * size), ("s", 1))
    return f"{max(0.0, seconds) / size:.0f}{unit}"


def age(moment: datetime | None) -> str:
    """How long ago it was."""
    return span(None if moment is None else (datetime.now(UTC) - moment).total_seconds())


def json_text(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
