"""What goes wrong with one schedule, or takes long, harms no other: the thread that looks for slots renews leases too."""

from __future__ import annotations

import logging
import socket

import pytest
from redis import Redis

from queues import get_queue, get_schedule, get_schedules, job, schedule
from queues.jobs.registry import registry
from queues.operations.schedules import planned
from queues.store import keys
from queues.worker.scheduler import Scheduler
from tests.queues.scheduling import HOUR, NAME, NOON, Scheduled, tick, waiting
from tests.testapp.jobs import QUEUE


def test_if_adding_fails_the_slot_is_not_lost(scheduled: Scheduled, connection: Redis, caplog: pytest.LogCaptureFixture) -> None:
    scheduled(cron="0 * * * *", timezone="UTC")
    tick(NOON - 1)
    connection.set(keys.failed(QUEUE), "a stranger's")
    scheduler = Scheduler()
    for seconds in range(30):
        scheduler.tick(NOON + seconds)
    lines = [record.message for record in caplog.records if "The schedule scheduled cannot be served: " in record.message]
    assert len(lines) == 1, "once a minute"
    connection.delete(keys.failed(QUEUE))
    tick(NOON + 30)
    assert waiting() == 1
    assert [run.slot.timestamp() for run in get_schedule(NAME).past_runs()] == [NOON]


@pytest.mark.parametrize("part", ["", ":runs"])
def test_a_key_of_another_type_at_one_schedule_hides_no_other(scheduled: Scheduled, connection: Redis, part: str) -> None:
    scheduled(every=HOUR)
    connection.set(f"{keys.schedule(NAME)}{part}", "a stranger's")
    assert NAME in [each.name for each in get_schedules()]
    assert get_schedule(NAME).past_runs() == []


def test_a_tick_leaves_to_the_next_one_what_would_keep_leases_waiting(scheduled: Scheduled, monkeypatch) -> None:
    monkeypatch.setattr("queues.worker.scheduler.TICK_SECONDS", 0.0)
    scheduled(every=HOUR, data={"note": "hourly"})
    scheduler, due = Scheduler(), len(planned())
    for _ in range(due):
        before = len(scheduler.next_look)
        scheduler.tick(NOON)
        assert len(scheduler.next_look) == before + 1
    assert waiting() == 1 and len(scheduler.next_look) == due


def test_a_redis_that_is_away_is_logged_once_and_the_others_are_served(settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "mail": {"URL": "redis://127.0.0.1:1/0"}}

    @schedule(every=HOUR)
    @job(name="away", queue="mail")
    def away() -> None: ...

    @schedule(every=HOUR)
    @job(name="nowhere", queue="no-such-queue")
    def nowhere() -> None: ...

    @schedule(every=HOUR)
    @job(name=NAME, queue=QUEUE)
    def here() -> None: ...

    try:
        with caplog.at_level(logging.WARNING, "queues"):
            scheduler = Scheduler()
            for _ in range(50):
                scheduler.tick()
    finally:
        for name in ("away", "nowhere", NAME):
            registry.unregister(name)
    assert waiting() == 1
    lines = [record.message for record in caplog.records]
    assert len(lines) == 2
    assert "The schedule away cannot be served: Redis did not answer" in lines[0]
    assert "The schedule nowhere cannot be served: Unknown queue" in lines[1]


def test_a_broken_state_of_one_schedule_harms_no_other(scheduled: Scheduled, connection: Redis) -> None:
    connection.set("rq:ext:schedule:sweep-embeddings", "a stranger's")
    scheduled(every=HOUR)
    Scheduler().tick()
    assert waiting() == 1


def test_a_redis_that_hangs_is_left_alone_for_ten_times_as_long_as_it_cost(settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        settings.RQ_QUEUES = {**settings.RQ_QUEUES, "mail": {"URL": f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"}}
        get_queue("mail").connection.connection_pool.connection_kwargs["socket_timeout"] = 0.2

        @schedule(every=HOUR, name="one")
        @schedule(every=HOUR, name="two")
        @job(name="away", queue="mail")
        def away() -> None: ...

        try:
            scheduler = Scheduler()
            for _ in range(50):
                scheduler.tick()
        finally:
            registry.unregister("away")
        assert connections(hanging) == 1


def connections(server: socket.socket) -> int:
    """How many were opened and not accepted yet."""
    server.setblocking(False)
    count = 0
    while True:
        try:
            server.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1
