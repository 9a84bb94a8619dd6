"""What has become of jobs over time: counted by the scripts as runs begin and end (see `tally` in counting.lua), read here.

Per minute for two hours without names, per hour for eight days and since ever by job name. A histogram's bucket b ends at 2^(b/2) ms.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis

from queues.store import keys, scripts
from queues.store.fields import integer, text

LAST_BUCKET = 46
"""Whatever is longer than 2^22.5 ms (1 h 39 min) is in it."""
MINUTE, HOUR = 60, 3600
OUTCOMES = ("completed", "failed", "retried", "stalled")
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How long things took, counted by bucket."""

    buckets: Mapping[int, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    def quantile(self, share: float) -> float | None:
        """Seconds under which this share (0 to 1) of all took, interpolated within its bucket; None of nothing."""
        rank, passed = share * self.count, 0
        for bucket in sorted(self.buckets):
            here = self.buckets[bucket]
            if here and passed + here >= rank:
                low = bucket_seconds(bucket - 1) if bucket else 0.0
                return low + (bucket_seconds(bucket) - low) * (rank - passed) / here
            passed += here
        return None

    def percentiles(self) -> dict[str, float | None]:
        """PERCENTILES by name, in seconds."""
        return {name: self.quantile(share) for name, share in PERCENTILES.items()}

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram(buckets=Counter(self.buckets) + Counter(other.buckets))


def bucket_seconds(bucket: int) -> float:
    """The upper end of a bucket."""
    return float(2 ** (bucket / 2) / 1000)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was counted of one job name, or of a whole queue, in one span of time. `run` counts attempts, `wait` their waits until the
    start; the seconds are sums, 0 in the spans of a minute."""

    completed: int = 0
    failed: int = 0
    retried: int = 0
    stalled: int = 0
    run: Histogram = Histogram()
    wait: Histogram = Histogram()
    run_seconds: float = 0.0
    wait_seconds: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(**{name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__})


@dataclass(frozen=True, kw_only=True)
class Span:
    """A minute or an hour that began at `start`, UTC. `names` and `errors` (class, job name: count) are of hours only."""

    start: datetime
    total: Tally = Tally()
    names: Mapping[str, Tally] = field(default_factory=dict)
    errors: Mapping[tuple[str, str], int] = field(default_factory=dict)


def ask_minutes(pipeline: redis.client.Pipeline, queue: str, minutes: int = 60, *, now: float | None = None) -> list[int]:
    """Puts one read a minute into the pipeline, oldest first, the present minute last. Returns when they began, unix seconds; the answers
    are for `read_spans`."""
    return _ask(pipeline, keys.minute, queue, MINUTE, minutes, now)


def ask_hours(pipeline: redis.client.Pipeline, queue: str, hours: int = 24, *, now: float | None = None) -> list[int]:
    """The same by the hour."""
    return _ask(pipeline, keys.hour, queue, HOUR, hours, now)


def read_spans(starts: Sequence[int], answers: Sequence[Mapping[bytes, bytes]]) -> list[Span]:
    return [_span(start, answer) for start, answer in zip(starts, answers, strict=True)]


def ask_outcomes(pipeline: redis.client.Pipeline, queues: Sequence[str], minutes: int = 60) -> None:
    """Puts one read of what ended by minute, of any number of queues, into a pipeline that `scripts.together` sends; for
    `parse_outcomes`. Only that much: for the histograms too there is `ask_minutes`."""
    scripts.outcomes.ask(pipeline, minutes, queues)


def parse_outcomes(answer: Sequence[Sequence[int]]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Per queue the completed and the failed by minute, by Redis's clock, the present minute last."""
    return [(tuple(counts[::2]), tuple(counts[1::2])) for counts in answer]


def minutes(connection: redis.Redis, queue: str, count: int = 60) -> list[Span]:
    """The last minutes of a queue, oldest first, in one round trip."""
    with connection.pipeline(transaction=False) as pipeline:
        return read_spans(ask_minutes(pipeline, queue, count), pipeline.execute())


def hours(connection: redis.Redis, queue: str, count: int = 24) -> list[Span]:
    """The last hours, oldest first, in one round trip; 192 are kept."""
    with connection.pipeline(transaction=False) as pipeline:
        return read_spans(ask_hours(pipeline, queue, count), pipeline.execute())


def _ask(pipeline: redis.client.Pipeline, key: Any, queue: str, seconds: int, count: int, now: float | None) -> list[int]:
    last = int((time.time() if now is None else now) // seconds)
    for number in range(last - count + 1, last + 1):
        pipeline.hgetall(key(queue, number))
    return [number * seconds for number in range(last - count + 1, last + 1)]


def _span(start: int, fields: Mapping[bytes, bytes]) -> Span:
    plain, named, errors = _sort(fields)
    names = {name: _tally(values) for name, values in named.items()}
    total = sum(names.values(), _tally(plain))
    return Span(start=datetime.fromtimestamp(start, UTC), total=total, names=names, errors=errors)


def by_name(fields: Mapping[bytes, bytes]) -> dict[str, Tally]:
    """What stands at keys.counts."""
    return {name: _tally(values) for name, values in _sort(fields)[1].items()}


def _sort(fields: Mapping[bytes, bytes]) -> tuple[dict[str, int], dict[str, dict[str, int]], dict[tuple[str, str], int]]:
    """What is written without a name, by name, and of errors."""
    plain: dict[str, int] = {}
    named: dict[str, dict[str, int]] = {}
    errors: dict[tuple[str, str], int] = {}
    for key, value in fields.items():
        what, colon, name = text(key).partition(":")
        if what == "error":
            error_class, _, job = name.partition(":")
            errors[error_class, job] = integer(value)
        elif colon:
            named.setdefault(name, {})[what] = integer(value)
        else:
            plain[what] = integer(value)
    return plain, named, errors


def _tally(values: Mapping[str, int]) -> Tally:
    return Tally(
        **{what: values.get(what, 0) for what in OUTCOMES},
        run=Histogram(buckets=dict(_buckets(values, "run"))),
        wait=Histogram(buckets=dict(_buckets(values, "wait"))),
        run_seconds=values.get("run_ms", 0) / 1000,
        wait_seconds=values.get("wait_ms", 0) / 1000,
    )


def _buckets(values: Mapping[str, int], kind: str) -> Iterator[tuple[int, int]]:
    for what, count in values.items():
        bucket = what.removeprefix(kind)
        if bucket != what and bucket.isdecimal() and int(bucket) <= LAST_BUCKET:
            yield int(bucket), count
