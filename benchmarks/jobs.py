"""Jobs that do nothing but note when."""

import time

from benchmarks.server import QUEUE, server
from queues import job

LATE = "benchmarks:late"

times: list[float] = []


@job(name="noop", queue=QUEUE)
def noop(*, n: int) -> None:
    times.append(time.perf_counter())


@job(name="noop-of-owner", queue=QUEUE, owner="owner")
def noop_of_owner(*, owner: int) -> None:
    times.append(time.perf_counter())


def stock_noop(n: int) -> None:
    times.append(time.perf_counter())


@job(name="unlucky", queue=QUEUE, attempts=1, keep_failed=100_000)
def unlucky(*, n: int) -> None:
    raise ConnectionResetError(f"the other side closed connection {n}")


@job(name="note-start", queue=QUEUE)
def note_start(*, due: float) -> None:
    late = time.time() - due
    server().rpush(LATE, f"{late:.6f}")
