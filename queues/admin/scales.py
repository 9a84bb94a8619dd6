"""Axes that end at round values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from queues.admin.words import count_text, span_text

STEPS = 4
"""Parts of an axis of counts at most."""
TIMES = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36000.0, 864000.0)
"""Seconds at which an axis of times has its ticks: each about ten times the last."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`share` says how far up its axis a value is, from 0 to 1."""

    ticks: Sequence[float]
    share: Callable[[float], float]
    text: Callable[[float], str]


def count_scale(values: Sequence[float]) -> Scale:
    """Whole numbers from 0 on."""
    largest = max(values, default=0)
    step = max(1.0, _round_up(largest / STEPS))
    parts = max(1, math.ceil(round(largest / step, 6)))
    return Scale(ticks=[step * part for part in range(parts + 1)], share=lambda value: value / (step * parts), text=count_text)


def seconds_scale(values: Sequence[float]) -> Scale:
    """Times, logarithmic: the median in milliseconds and the slowest in minutes are both to be seen."""
    low = max((tick for tick in TIMES if tick <= min(values, default=0)), default=TIMES[0])
    high = min((tick for tick in TIMES if tick >= max(values, default=0) and tick > low), default=TIMES[-1])
    spread = math.log(high / low)
    return Scale(
        ticks=[tick for tick in TIMES if low <= tick <= high],
        share=lambda value: math.log(min(max(value, low), high) / low) / spread,
        text=span_text,
    )


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 and so on."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)
