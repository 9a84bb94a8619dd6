"""What one request costs Redis and whoever waits for the page."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
from redis.connection import AbstractConnection


@dataclass(frozen=True, kw_only=True)
class Cost:
    """`milliseconds` is the median on the server, without a browser; commands are by Redis's own count, those within scripts too."""

    page: str
    whose: str
    round_trips: int
    commands: int
    milliseconds: float
    fastest: float
    slowest: float


def cost(
    server: redis.Redis,
    page: str,
    whose: str,
    act: Callable[[], object],
    *,
    rounds: int,
    before: Callable[[], object] = lambda: None,
    after: Callable[[], object] = lambda: None,
) -> Cost:
    """After one round that does not count, in which templates and scripts are loaded. The counts are the last round's."""
    milliseconds, trips, commands = [], 0, 0
    for _ in range(rounds + 1):
        before()
        server.config_resetstat()
        with counted_round_trips() as count:
            started = time.perf_counter()
            act()
            milliseconds.append((time.perf_counter() - started) * 1000)
        trips, commands = count[0], executed(server)
        after()
    del milliseconds[0]
    return Cost(
        page=page,
        whose=whose,
        round_trips=trips,
        commands=commands,
        milliseconds=round(statistics.median(milliseconds), 1),
        fastest=round(min(milliseconds), 1),
        slowest=round(max(milliseconds), 1),
    )


@contextmanager
def counted_round_trips() -> Iterator[list[int]]:
    """Whatever is written to Redis before an answer is awaited: a command, a pipeline, a script; by whichever client of this process."""
    count, send = [0], AbstractConnection.send_packed_command

    def counting(self: Any, *args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        return send(self, *args, **kwargs)

    AbstractConnection.send_packed_command = counting  # type: ignore[method-assign]
    try:
        yield count
    finally:
        AbstractConnection.send_packed_command = send  # type: ignore[method-assign]


def executed(server: redis.Redis) -> int:
    """Commands since the last reset, without those that ask for that."""
    calls: Any = server.info("commandstats")
    return sum(facts["calls"] for name, facts in calls.items() if not name.startswith(("cmdstat_config", "cmdstat_info")))


def table(costs: list[Cost]) -> str:
    lines = [f"{'':28}{'':11}{'round trips':>12}{'commands':>10}{'ms, median':>12}   (fastest to slowest)"]
    lines += [
        f"{cost.page:28}{cost.whose:11}{cost.round_trips:>12,}{cost.commands:>10,}{cost.milliseconds:>12,.1f}"
        f"   ({cost.fastest:,.1f} to {cost.slowest:,.1f})"
        for cost in costs
    ]
    return "\n".join(lines)
