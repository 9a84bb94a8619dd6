"""A Redis whose memory is full: what makes room must work, and what half-runs must leave nothing odd behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from queues import State, add_job, get_queue
from queues.store import keys
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from queues.worker.outcomes import completed
from queues.worker.settling import settle
from tests.testapp.jobs import QUEUE


@pytest.fixture
def full(connection: redis.Redis) -> Iterator[redis.Redis]:
    """The tests' Redis; its memory has no limit again when the test is over."""
    yield connection
    connection.config_set("maxmemory", "0")


def fill_up(connection: redis.Redis) -> None:
    connection.config_set("maxmemory", "1mb")  # less than an empty server takes
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        connection.set("x", "y")


def test_an_operator_can_remove_cancel_retry_and_promote_many_of_a_full_redis(full: redis.Redis) -> None:
    queue = get_queue(QUEUE)
    for number in range(3):
        add_job(QUEUE, "give-up", {"name": str(number)})
    assert run_jobs(QUEUE) == 3
    waiting = [add_job(QUEUE, "greet", {"name": str(number)}).id for number in range(40)]
    delayed = [add_job(QUEUE, "greet", {"name": str(number)}, delay=60).id for number in range(4)]
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(full, [Room(queue=QUEUE, units=1)])
    fill_up(full)

    assert queue.remove_many(waiting[1:21]) == 20
    assert list(queue.cancel_many(waiting[21:39]).values()) == [State.WAITING] * 18
    assert queue.remove_failed(name="give-up", limit=1) == 1
    assert queue.retry_failed(name="give-up") == 2
    assert queue.promote_many(delayed[:2]) == 2
    assert queue.cancel(waiting[0]) is State.ACTIVE
    assert settle(full, "w", [completed(unit.claims[0], None)])
    assert b"" not in full.lrange(keys.waiting(QUEUE), 0, -1)
    assert queue.stats().counts() == {"waiting": 1 + 2 + 2, "active": 0, "completed": 1, "failed": 18, "delayed": 2}
    units, _ = Claimer(worker="w", lease_seconds=30).claim(full, [Room(queue=QUEUE, units=9)])
    assert len(settle(full, "w", [completed(unit.claims[0], None) for unit in units])) == 5, "workers empty it"
    assert queue.drain(delayed=True) == 2
    assert queue.clean(0) > 0
    assert queue.stats().counts() == dict.fromkeys(("waiting", "active", "completed", "failed", "delayed"), 0)


class Recovering(redis.Redis):
    """Its server serves again right after it has refused a call."""

    def evalsha(self, *arguments: Any) -> Any:
        try:
            return super().evalsha(*arguments)
        except redis.exceptions.ResponseError:
            self.config_set("min-replicas-to-write", "0")
            raise


def test_a_server_that_takes_no_writes_for_a_moment_turns_no_good_end_into_a_dead_letter(connection: redis.Redis) -> None:
    add_job(QUEUE, "greet", {"name": "Ann"})
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
    connection.config_set("min-replicas-to-write", "1")
    outcomes = [completed(unit.claims[0], None)]
    with pytest.raises(redis.exceptions.ResponseError, match="NOREPLICAS"):
        settle(Recovering(connection_pool=connection.connection_pool), "w", outcomes)
    assert settle(connection, "w", outcomes) == outcomes
    assert get_queue(QUEUE).stats().counts()["completed"] == 1
