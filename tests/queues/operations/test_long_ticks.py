"""A tick that would take long: the thread that makes it renews leases too."""

from __future__ import annotations

from queues.operations.schedules import planned
from queues.worker.scheduler import Scheduler
from tests.queues.operations.conftest import waiting
from tests.queues.operations.test_scheduler import HOUR, NOON, Scheduled


def test_a_tick_leaves_to_the_next_one_what_would_keep_leases_waiting(scheduled: Scheduled, monkeypatch) -> None:
    monkeypatch.setattr("queues.worker.scheduler.TICK_SECONDS", 0.0)
    scheduled(every=HOUR, data={"note": "hourly"})
    scheduler, due = Scheduler(), len(planned())
    for _ in range(due):
        before = len(scheduler.next_look)
        scheduler.tick(NOON)
        assert len(scheduler.next_look) == before + 1
    assert waiting() == 1 and len(scheduler.next_look) == due
