"""What the queues promise, on a real Redis and in memory alike: one suite, run for both."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from queues import get_queue
from queues.testing import memory_queues
from queues.worker.claimer import Claimer, Room
from tests.testapp.jobs import QUEUE

Traces = Callable[[], list[str]]


@pytest.fixture(params=["redis", "memory"], autouse=True)
def connection(request: pytest.FixtureRequest) -> Iterator[Redis]:
    """An empty store of each kind."""
    if request.param == "memory":
        with memory_queues():
            yield get_queue(QUEUE).connection
    else:
        client = get_queue(QUEUE).connection
        client.flushdb()
        yield client


def names(state: str = "waiting") -> list[str]:
    return [job.data["name"] for job in get_queue(QUEUE).jobs(state)]


def claim(connection: Redis, worker: str = "w", units: int = 1, lease_seconds: int = 30) -> list[Any]:
    return Claimer(worker=worker, lease_seconds=lease_seconds).claim(connection, [Room(queue=QUEUE, units=units)])[0]
