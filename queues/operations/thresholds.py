"""Beyond which numbers a queue is not well: the defaults, and how settings replace them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from queues.conf import settings
from queues.store.queue import Queue

Threshold = tuple[float | None, float | None]
"""A value above the first is a warning, above the second critical; None is no limit."""

DEFAULTS: Mapping[str, Threshold] = {
    "waiting": (100, 1000),
    "failed": (10, 100),
    "active": (2, 5),  # times what the fleet can run at once
    "delayed": (50, 500),
    "oldest_waiting_seconds": (300, 1800),
}


def thresholds_of(queue: Queue) -> Mapping[str, Threshold]:
    """The defaults, with what QUEUES_HEALTH and then the queue's HEALTH replace."""
    return {**DEFAULTS, **parse_thresholds(settings.health), **parse_thresholds(queue.config.get("HEALTH", {}))}


def parse_thresholds(value: Any) -> dict[str, Threshold]:
    """Thresholds as settings write them, {"waiting": (100, 1000), "delayed": (None, None)}. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError(f'{value!r} is no mapping such as {{"waiting": (100, 1000)}}')
    if unknown := sorted(map(str, set(value) - set(DEFAULTS))):
        raise ValueError(f"{', '.join(unknown)} is no metric: there are {', '.join(DEFAULTS)}")
    for metric, pair in value.items():
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2 and all(map(_is_limit, pair))):
            raise ValueError(f"{metric} needs a pair of numbers, (warning, critical), not {pair!r}")
        if None not in pair and pair[0] > pair[1]:
            raise ValueError(f"{metric} would be critical at {pair[1]:g} before it is a warning at {pair[0]:g}")
    return {metric: (pair[0], pair[1]) for metric, pair in value.items()}


def _is_limit(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0)
