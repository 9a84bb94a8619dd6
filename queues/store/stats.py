"""A queue in numbers."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import redis

from queues.store import keys, scripts
from queues.store.answers import checked
from queues.store.fields import moment, number, text

log = logging.getLogger("queues")


@dataclass(frozen=True, kw_only=True)
class QueueStats:
    """How many jobs are in each state now, and what has become of the queue's jobs since ever.

    Completed and failed count those still kept; waiting has the prioritized ones too. `busy` of the fleet's `concurrency` slots run a
    call now. Two readings are equal when the five states are.
    """

    waiting: int = 0
    active: int = 0
    completed: int = 0
    failed: int = 0
    delayed: int = 0
    paused: bool = field(default=False, compare=False)
    oldest_waiting_seconds: float | None = field(default=None, compare=False)
    workers: int = field(default=0, compare=False)
    busy: int = field(default=0, compare=False)
    concurrency: int = field(default=0, compare=False)
    completed_total: int = field(default=0, compare=False)
    failed_total: int = field(default=0, compare=False)
    retried_total: int = field(default=0, compare=False)
    stalled_total: int = field(default=0, compare=False)

    @property
    def utilization(self) -> float | None:
        """The share of the fleet's slots that is busy; None without any."""
        return self.busy / self.concurrency if self.concurrency else None

    def counts(self) -> dict[str, int]:
        """The five states by name, as BullMQ's getJobCounts gives them."""
        return {state: getattr(self, state) for state in COUNTED}


COUNTED = ("waiting", "active", "completed", "failed", "delayed")


def read(connection: redis.Redis, names: Sequence[str]) -> dict[str, QueueStats]:
    """The statistics of queues of one server, in one round trip; writes nothing (RQ's own counting cleans registries on the way)."""
    return {name: _of_row(row) for name, row in zip(names, scripts.stats(connection, names), strict=True)}


def read_each(connection: redis.Redis, names: Sequence[str]) -> dict[str, QueueStats]:
    """The same of those that can be read, whatever is wrong with others."""

    def fill(pipeline: redis.client.Pipeline) -> None:
        for name in names:
            ask(pipeline, name)

    found: dict[str, QueueStats] = {}
    for name, answer in zip(names, scripts.together(connection, fill, [scripts.stats]), strict=True):
        if isinstance(answer, redis.exceptions.ResponseError) and str(answer).startswith("BROKEN"):
            log.error("The queue %s cannot be read: %s", name, answer)
        else:
            found[name] = parse(answer)
    return found


def ask(pipeline: redis.client.Pipeline, name: str) -> None:
    """Puts the reading of one queue into a pipeline that `scripts.together` sends; the answer is for `parse`."""
    scripts.stats.ask(pipeline, [name])


def parse(answer: Any) -> QueueStats:
    """Raises the error that was the answer."""
    return _of_row(checked(answer)[0])


def _of_row(row: Sequence[Any]) -> QueueStats:
    """What stats.lua answers of one queue."""
    waiting, active, delayed, completed, failed, paused, workers, busy, slots, *totals, age, enqueued_at = row
    return QueueStats(
        waiting=waiting,
        active=active,
        completed=completed,
        failed=failed,
        delayed=delayed,
        paused=paused == 1,
        oldest_waiting_seconds=_oldest(age, enqueued_at) if waiting else None,
        workers=workers,
        busy=busy,
        concurrency=slots,
        **dict(zip(("completed_total", "failed_total", "retried_total", "stalled_total"), totals, strict=True)),
    )


def _oldest(age: bytes, enqueued_at: bytes) -> float:
    """A job of plain RQ's tells its time by the clock of who enqueued it."""
    stock = moment(text(enqueued_at))
    return max(number(age), time.time() - stock.timestamp() if stock else 0.0)


def count_long_runs(connection: redis.Redis, queue: str, *, longer_than: float, most: int) -> int:
    """Running jobs that started more than so many seconds ago, among the `most` whose leases end first: those of dead workers.

    By this machine's clock and that of whose worker started them.
    """
    with connection.pipeline(transaction=False) as pipeline:
        ask_lease_heads(pipeline, queue, most)
        (members,) = pipeline.execute()
        ask_starts(pipeline, members)
        return count_older(pipeline.execute(), longer_than)


def ask_lease_heads(pipeline: redis.client.Pipeline, queue: str, most: int) -> None:
    """Puts the first step of `count_long_runs` into a pipeline, for whoever asks more at once."""
    pipeline.zrange(keys.leases(queue), 0, most - 1)


def ask_starts(pipeline: redis.client.Pipeline, members: Sequence[bytes]) -> None:
    """The second step, one answer a member."""
    for member in members:
        pipeline.hget(keys.job(text(member).rpartition(":")[0]), "started_at")


def count_older(answers: Sequence[Any], seconds: float) -> int:
    """The last step."""
    starts = [moment(text(answer)) for answer in answers if isinstance(answer, bytes)]
    return sum(1 for start in starts if start and time.time() - start.timestamp() > seconds)
