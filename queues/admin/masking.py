"""Values that no page shows."""

from __future__ import annotations

from typing import Any

from queues.conf import settings

MASK = "•••"
DEEPEST = 50
"""Levels that are shown: what is nested deeper is no payload that anybody reads."""


def mask(data: Any, *, depth: int = 0) -> Any:
    """The same JSON with the values of QUEUES_MASKED_FIELDS hidden, at whatever level."""
    if depth > DEEPEST:
        return MASK
    if isinstance(data, dict):
        return {key: MASK if _is_masked(key) else mask(value, depth=depth + 1) for key, value in data.items()}
    return [mask(value, depth=depth + 1) for value in data] if isinstance(data, list) else data


def _is_masked(key: Any) -> bool:
    return any(name.lower() in str(key).lower() for name in settings.masked_fields)
