"""Reading what stands in a hash, whoever wrote it: what cannot be read counts as absent."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import orjson

MAX_DIGITS = 18
"""Longer numbers are rubbish, and overflow what is computed with them."""

LATEST = 1e11
"""Unix seconds that a date can still show."""
RQ_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How RQ writes times."""


def text(value: bytes | None) -> str:
    """Whatever bytes a stranger may have put there."""
    return value.decode(errors="replace") if value else ""


def integer(text: str | bytes | None, default: int = 0) -> int:
    try:
        return int(text) if text and len(text) <= MAX_DIGITS else default
    except ValueError:
        return default


def number(text: str | bytes | None, default: float = 0.0) -> float:
    """A finite number."""
    try:
        found = float(text) if text else default
    except ValueError:
        return default
    return found if math.isfinite(found) else default


def json_value(text: bytes | None) -> Any:
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None


def moment(text: str | None) -> datetime | None:
    """An aware datetime; what names no zone means UTC."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found


def unix_moment(seconds: str | bytes | float | None) -> datetime | None:
    """The time of unix seconds, as scores and RQ's stream have it; None of what no date can show."""
    found = seconds if isinstance(seconds, float) else number(seconds)
    return datetime.fromtimestamp(found, UTC) if 0 < found < LATEST else None


def rq_time(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime(RQ_TIME)
