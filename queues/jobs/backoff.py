"""How long a job waits after a failed attempt."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from queues.durations import LONGEST_SECONDS, check_delay

log = logging.getLogger("queues")

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
        return seconds * (1 - self.jitter * random.random())  # noqa: S311  # no secret


KINDS: dict[str, type[Fixed] | type[Exponential]] = {"fixed": Fixed, "exponential": Exponential}


def parse_backoff(value: Any) -> Backoff:
    """A back-off as settings and options write it: seconds or a timedelta (fixed), a callable, or a mapping such as
    {"type": "exponential", "delay_seconds": 1, "jitter": 0.5}. Raises ValueError."""
    match value:
        case bool():
            pass
        case int() | float() | timedelta():
            return Fixed(delay_seconds=check_delay(value))
        case Mapping() if value.get("type") in KINDS:
            try:
                return KINDS[value["type"]](**{key: float(number) for key, number in value.items() if key != "type"})
            except TypeError as error:
                raise ValueError(f"back-off {value!r}: {error}") from error
        case _ if callable(value):
            return value  # type: ignore[no-any-return]
    raise ValueError(
        f"a back-off is a number of seconds, Fixed(...), Exponential(...), a mapping with a type, or a callable, not {value!r}"
    )


def encode_backoff(value: Any) -> str:
    """What of a back-off can travel with one job. Raises ValueError for a callable: that belongs on the job's definition."""
    backoff = parse_backoff(value)
    for kind, cls in KINDS.items():
        if type(backoff) is cls:
            return orjson.dumps({"type": kind, **vars(backoff)}).decode()
    raise ValueError("a single job's back-off must be seconds, Fixed(...) or Exponential(...): a callable belongs in @job(backoff=...)")


def decode_backoff(text: bytes | None) -> Backoff | None:
    """The back-off that a job carries; None where there is none, or nothing readable."""
    try:
        value = orjson.loads(text) if text else None
        return parse_backoff(value) if isinstance(value, Mapping) else None
    except (orjson.JSONDecodeError, ValueError):
        return None


def wait_seconds(backoff: Backoff, attempts_made: int) -> float:
    """What the back-off says, within bounds; a back-off that fails or says nothing usable counts as the default one."""
    try:
        return check_delay(backoff(attempts_made))
    except Exception:
        log.exception("A back-off gave no usable wait after attempt %d", attempts_made)
        return min(Exponential()(attempts_made), LONGEST_SECONDS)
