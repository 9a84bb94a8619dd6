from collections.abc import Iterator

import pytest
from redis import Redis

from queues import get_queue, job, schedule
from queues.jobs.registry import registry
from queues.operations.schedules import Scheduler
from tests.testapp.jobs import QUEUE


@pytest.fixture
def hourly() -> Iterator[str]:
    @schedule(every=3600)
    @job(name="hourly", queue=QUEUE)
    def hourly() -> None: ...

    yield "hourly"
    registry.unregister("hourly")


@pytest.mark.usefixtures("hourly")
def test_a_slot_gets_one_run_however_many_processes_look(connection: Redis) -> None:
    schedulers = [Scheduler() for _ in range(3)]
    for _ in range(3):
        for scheduler in schedulers:
            scheduler.tick()
    assert [waiting.name for waiting in get_queue(QUEUE).jobs("waiting")].count("hourly") == 1


def test_a_scheduled_job_needs_no_payload() -> None:
    with pytest.raises(Exception, match="name"):

        @schedule(every=60)
        @job(name="greet-hourly", queue=QUEUE)
        def greet_hourly(*, name: str) -> None: ...

    registry.unregister("greet-hourly")
