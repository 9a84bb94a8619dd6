"""Whether a Redis answers and is fit for jobs: its version, policy, memory and clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from queues.conf import settings
from queues.operations.health import Level
from queues.store.connection import translated

OLDEST_VERSION = (6, 2)
MEMORY = (0.8, 0.95)
CLOCK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One thing looked at; `cure` is empty where nothing is wrong."""

    subject: str
    level: Level = Level.HEALTHY
    sentence: str
    cure: str = ""


def examine_server(where: str, connection: redis.Redis) -> Iterator[Diagnosis]:
    """Raises RedisUnavailable before the first one."""
    with translated():
        info: Any = connection.info()
        before = time.time()
        answer: Any = connection.time()
        after = time.time()
    yield version(where, str(info.get("redis_version", "")))
    yield policy(where, str(info.get("maxmemory_policy", "noeviction")))
    yield memory(where, int(info.get("used_memory", 0)), int(info.get("maxmemory", 0)))
    yield clock(where, answer[0] + answer[1] / 1e6 - (before + after) / 2)


def version(where: str, version: str) -> Diagnosis:
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if numbers >= OLDEST_VERSION:
        return Diagnosis(subject=where, sentence=f"It answers, version {version}.")
    needed = ".".join(map(str, OLDEST_VERSION))
    return Diagnosis(
        subject=where, level=Level.CRITICAL, sentence=f"Its version is {version or 'unknown'}.", cure=f"Upgrade it to {needed} or newer."
    )


def policy(where: str, policy: str) -> Diagnosis:
    if policy == "noeviction":
        return Diagnosis(subject=where, sentence="It drops nothing when its memory is full (maxmemory-policy noeviction).")
    sentence = f"When its memory is full it drops jobs without a word (maxmemory-policy {policy})."
    cure = "Set maxmemory-policy noeviction, and give caches a Redis of their own."
    return Diagnosis(subject=where, level=Level.WARNING, sentence=sentence, cure=cure)


def memory(where: str, used: int, most: int) -> Diagnosis:
    if not most:
        return Diagnosis(subject=where, sentence=f"It uses {used / 1e6:.1f} MB and has no limit of its own.")
    part = used / most
    level = Level.CRITICAL if part > MEMORY[1] else Level.WARNING if part > MEMORY[0] else Level.HEALTHY
    cure = "Raise maxmemory, keep fewer jobs (KEEP_COMPLETED, KEEP_FAILED), or clean: manage.py queue_clean" if part > MEMORY[0] else ""
    return Diagnosis(subject=where, level=level, sentence=f"It uses {used / 1e6:.1f} of {most / 1e6:.1f} MB ({part:.0%}).", cure=cure)


def clock(where: str, ahead_seconds: float) -> Diagnosis:
    off = abs(ahead_seconds)
    if off <= CLOCK_SECONDS:
        return Diagnosis(subject=where, sentence=f"Its clock and this machine's differ by {off * 1000:.0f} ms.")
    level = Level.CRITICAL if off > settings.lease_seconds else Level.WARNING
    sentence = f"Its clock is {off:.1f} s {'ahead of' if ahead_seconds > 0 else 'behind'} this machine's."
    return Diagnosis(subject=where, level=level, sentence=sentence, cure="Let both machines follow the same time servers (NTP).")
