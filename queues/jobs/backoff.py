"""How long a job waits after a failed attempt."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("queues")

LONGEST_SECONDS = 366 * 86400.0
"""No wait is longer: what asks for more is a mistake."""

Backoff = Callable[[int], float]
"""Seconds to wait after the n-th failed attempt (n from 1)."""


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """The same wait after every failure."""

    delay_seconds: float = 1.0

    def __call__(self, attempts_made: int) -> float:
        return self.delay_seconds


@dataclass(frozen=True, kw_only=True)
class Exponential:
    """round(2^(n-1) * delay) in milliseconds, as BullMQ computes it: 1 s, 2 s, 4 s, ...

    `jitter` from 0 to 1 spreads the wait over [d * (1 - jitter), d].
    """

    delay_seconds: float = 1.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter must be from 0 to 1, not {self.jitter}")

    def __call__(self, attempts_made: int) -> float:
        seconds: float = round(2 ** min(attempts_made - 1, 30) * self.delay_seconds * 1000) / 1000
        return seconds * (1 - self.jitter * random.random())


def check_delay(seconds: float | None) -> float:
    """A delay that was asked for, in seconds; None and what has passed is none. Raises ValueError beyond a year or not finite."""
    wait = float(seconds or 0)
    if not math.isfinite(wait) or wait > LONGEST_SECONDS:
        raise ValueError(f"delay must be at most {LONGEST_SECONDS:g} seconds, not {seconds}")
    return max(0.0, wait)


def wait_seconds(backoff: Backoff, attempts_made: int) -> float:
    """What the back-off says, within bounds; a back-off that fails or says nothing usable counts as the default one."""
    try:
        return check_delay(backoff(attempts_made))
    except Exception:
        log.exception("A back-off gave no usable wait after attempt %d", attempts_made)
        return min(Exponential()(attempts_made), LONGEST_SECONDS)
