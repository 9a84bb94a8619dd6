"""Payloads as they may be shown: what QUEUES_MASKED_FIELDS names is masked."""

from __future__ import annotations

from typing import Any

from queues.conf import settings

MASK = "********"


def mask(data: Any) -> Any:
    """A copy in which the value of every field, at any depth, whose name contains a masked one is replaced."""
    if isinstance(data, dict):
        return {key: MASK if _is_masked(key) else mask(value) for key, value in data.items()}
    return [mask(value) for value in data] if isinstance(data, list) else data


def _is_masked(key: object) -> bool:
    return any(name.lower() in str(key).lower() for name in settings.masked_fields)
