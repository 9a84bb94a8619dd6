"""Helpers for tests of projects that use `queues`."""

from __future__ import annotations

from queues.store.queue import get_queue, queue_names
from queues.worker.announcer import send
from queues.worker.claims import Claimer, Room
from queues.worker.outcomes import settle
from queues.worker.runner import run

__all__ = ["run_jobs"]


def run_jobs(*names: str) -> int:
    """Runs all jobs of these queues (default: all of them) that are due now, here in the calling thread.

    The same claiming, running, settling and signals as in a worker; isolated jobs run here too. Returns how many runs there were.
    """
    runs = 0
    claimer = Claimer(worker="run_jobs", lease_seconds=300)
    for name in names or queue_names():
        connection = get_queue(name).connection
        while units := claimer.claim(connection, [Room(queue=name, units=10)])[0]:
            for unit in units:
                for outcome in settle(connection, "run_jobs", run(unit)):
                    runs += 1
                    send(outcome)
    return runs
