"""How long a job waits after a failed attempt."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

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
        seconds: float = round(2 ** (attempts_made - 1) * self.delay_seconds * 1000) / 1000
        return seconds * (1 - self.jitter * random.random())
