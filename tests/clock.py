"""Tests whose facts are counted by the minute, the hour or the day, and promises of speed on a machine that does other things."""

from __future__ import annotations

import time
from collections.abc import Callable

MINUTE, HOUR, DAY = 60, 3600, 86400


def stay_in_one(span_seconds: int, for_seconds: float = 5.0) -> None:
    """Waits for the next minute, hour or day (of UTC) where this one ends too soon: what follows happens within one."""
    left = span_seconds - time.time() % span_seconds
    if left < for_seconds:
        time.sleep(left + 0.01)


def quickest(call: Callable[[], object], times: int = 3) -> float:
    """Seconds that the quickest of several calls took."""
    seconds = []
    for _ in range(times):
        started = time.monotonic()
        call()
        seconds.append(time.monotonic() - started)
    return min(seconds)
