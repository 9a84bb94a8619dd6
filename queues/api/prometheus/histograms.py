"""Histograms as Prometheus wants them: cumulative, with the upper end of each bucket."""

from __future__ import annotations

from queues.store.metrics import LAST_BUCKET, Histogram, bucket_seconds

ENDS = range(0, LAST_BUCKET - 1, 2)
"""Every other of our buckets, 1 ms to 70 minutes by whole powers of two: half as many series. The last two are +Inf."""


def buckets_of(histogram: Histogram) -> list[tuple[str, float]]:
    found = [(str(bucket_seconds(end)), float(_up_to(histogram, end))) for end in ENDS]
    return [*found, ("+Inf", float(histogram.count))]


def _up_to(histogram: Histogram, end: int) -> int:
    return sum(count for bucket, count in histogram.buckets.items() if bucket <= end)
