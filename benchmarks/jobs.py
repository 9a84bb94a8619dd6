"""A job that does nothing but note when."""

import time

from queues import job

times: list[float] = []


@job(name="noop", queue="notifications")
def noop(*, n: int) -> None:
    times.append(time.perf_counter())


def stock_noop(n: int) -> None:
    times.append(time.perf_counter())
