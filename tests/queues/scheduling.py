"""A schedule of each kind, on a job that only the tests know, and the moments at which it is looked at."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from queues import get_queue, job, schedule
from queues.jobs.registry import registry
from queues.testing import run_jobs
from queues.worker.scheduler import Scheduler
from tests.testapp.jobs import QUEUE

NAME = "scheduled"
HOUR = 3600
DAY = 24 * HOUR
NOON = 1_790_000_000 // DAY * DAY + DAY // 2

Scheduled = Callable[..., str]


@pytest.fixture
def scheduled() -> Iterator[Scheduled]:
    """Registers a job with the schedule that the options describe, and returns the job's name."""

    def register(**options: Any) -> str:
        @schedule(**options)
        @job(name=NAME, queue=QUEUE)
        def scheduled(*, note: str = "") -> None: ...

        return NAME

    yield register
    if registry.find(NAME):
        registry.unregister(NAME)


def waiting(name: str = NAME) -> int:
    """How many runs of the job wait."""
    return [each.name for each in get_queue(QUEUE).jobs("waiting")].count(name)


def run_all() -> None:
    run_jobs(QUEUE)


def redis_now(connection: Redis) -> float:
    seconds, micros = connection.time()
    return float(seconds + micros / 1e6)


def tick(*moments: float) -> None:
    """A process that starts, looks at these moments, and is gone."""
    scheduler = Scheduler()
    for moment in moments:
        scheduler.tick(moment)
