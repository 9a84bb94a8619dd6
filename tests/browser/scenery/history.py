"""A past for the charts: what workers would have counted in two hours and eight days (see `tally` in counting.lua)."""

from __future__ import annotations

import math
import random
import time
from collections import Counter

import redis

from queues.store import keys

MINUTES, HOURS = 120, 192

NAMES = {
    "email-sync": {"process-email": (14.0, 17.0), "sync-gmail-incremental": (3.0, 19.0)},
    "notifications": {"send-notification": (22.0, 12.0), "deadline-reminder": (0.5, 9.0)},
    "embeddings": {"generate-embedding": (18.0, 15.0), "sweep-embeddings": (1.0, 13.0)},
    "imports": {"import-contacts": (0.4, 33.0)},
}
"""Per queue and job name: runs a minute, and the bucket of the median run time."""
ERRORS = {
    ("email-sync", "process-email"): {"TimeoutError": 0.6, "KeyError": 0.25},
    ("notifications", "send-notification"): {"NonRetryable": 1.0},
}
"""Which errors, by their share of those that fail."""


def write_history(connection: redis.Redis) -> None:
    chance, now = random.Random(7), time.time()
    for queue, names in NAMES.items():
        for minute in range(int(now // 60) - MINUTES, int(now // 60)):
            counted = sum((_counted(chance, *facts, _load(minute * 60), "") for facts in names.values()), Counter[str]())
            connection.hset(keys.minute(queue, minute), mapping={"completed": 0, **counted})
            connection.expire(keys.minute(queue, minute), 7500)
        ever: Counter[str] = Counter()
        for hour in range(int(now // 3600) - HOURS, int(now // 3600)):
            counted = Counter[str]()
            for name, (rate, bucket) in names.items():
                counted += _counted(chance, rate * 60, bucket, _load(hour * 3600), f":{name}")
                counted += _errors(chance, queue, name, counted[f"failed:{name}"])
            ever += counted
            connection.hset(keys.hour(queue, hour), mapping=dict(counted))
            connection.expire(keys.hour(queue, hour), 694_800)
        connection.hset(keys.counts(queue), mapping={field: count for field, count in ever.items() if not field.startswith("error")})


def _load(moment: float) -> float:
    """Busy by day, with a burst now and then."""
    day = 1 + 0.6 * math.sin(2 * math.pi * (moment / 86_400 - 0.3))
    return day * (2.2 if int(moment // 60) % 47 in (3, 4, 5) else 1)


def _counted(chance: random.Random, rate: float, bucket: float, load: float, suffix: str) -> Counter[str]:
    runs = max(0, round(chance.gauss(rate * load, math.sqrt(rate * load))))
    failed = sum(chance.random() < 0.03 * load for _ in range(min(runs, 200))) * max(1, runs // 200)
    counted = Counter({f"completed{suffix}": runs - failed, f"failed{suffix}": failed, f"retried{suffix}": failed * 2})
    for _ in range(min(runs, 60)):
        counted[f"run{round(chance.gauss(bucket, 2.5))}{suffix}"] += max(1, runs // 60)
        counted[f"wait{max(0, round(chance.gauss(9 + 4 * load, 3)))}{suffix}"] += max(1, runs // 60)
    if suffix:
        counted[f"run_ms{suffix}"] = round(runs * 2 ** (bucket / 2) * 1.2)
        counted[f"wait_ms{suffix}"] = runs * 90
    return counted


def _errors(chance: random.Random, queue: str, name: str, failed: int) -> Counter[str]:
    shares = ERRORS.get((queue, name), {"ConnectionError": 1.0})
    return Counter({f"error:{error}:{name}": round(failed * share * chance.uniform(0.6, 1.2)) for error, share in shares.items()})
