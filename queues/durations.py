"""Spans of time as people write them: seconds, or a timedelta."""

from __future__ import annotations

import math
from datetime import timedelta

Duration = float | timedelta

LONGEST_SECONDS = 366 * 86400.0
"""No wait is longer: what asks for more is a mistake."""


def in_seconds(duration: Duration) -> float:
    """Raises ValueError where it is no span, such as a moment."""
    try:
        return duration.total_seconds() if isinstance(duration, timedelta) else float(duration)
    except (TypeError, ValueError):
        raise ValueError(f"a span is a number of seconds or a timedelta, not {duration!r}") from None


def check_delay(delay: Duration | None) -> float:
    """A delay that was asked for, in seconds; None and what has passed is none. Raises ValueError beyond a year or not finite."""
    wait = in_seconds(delay or 0)
    if not math.isfinite(wait) or wait > LONGEST_SECONDS:
        raise ValueError(f"delay must be at most {LONGEST_SECONDS:g} seconds, not {delay}")
    return max(0.0, wait)
