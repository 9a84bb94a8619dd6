"""The threads that run jobs: each queue has its own, as many as its concurrency."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from django.db import close_old_connections, connections

from queues.exceptions import JobCancelled, JobTimeout
from queues.worker.claims import Unit
from queues.worker.deadlines import Interrupted, interrupt, withdraw_interrupt
from queues.worker.isolation import Children, find_isolated
from queues.worker.options import Handler
from queues.worker.outcomes import Outcome, failed
from queues.worker.runner import run

log = logging.getLogger("queues.worker")

Done = Callable[[Unit, list[Outcome], float], None]

LONG_SECONDS = 1.0
"""What was taken ahead does not wait longer for a thread."""


class QueueThreads:
    """The threads of one queue. `done(unit, outcomes, seconds)` is called from them."""

    def __init__(self, name: str, concurrency: int, done: Done, handler: Handler | None = None) -> None:
        self.name = name
        self.concurrency = concurrency
        self.done = done
        self.handler = handler
        self.ready: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self.accepted: set[Unit] = set()
        self.children = Children()
        self.running: set[Unit] = set()
        self.outstanding = 0
        self.mean_seconds: float | None = None
        self.begun_at = 0.0
        for _ in range(concurrency):
            self.start_thread()

    def start_thread(self) -> None:
        threading.Thread(target=self._work, name=f"jobs-{self.name}", daemon=True).start()

    @property
    def room(self) -> int:
        """Calls that may be taken now: the free threads', and about 20 ms of work more by how long the last ones took: see take_held_up."""
        ahead = 0 if self.mean_seconds is None else min(100, int(0.02 * self.concurrency / max(self.mean_seconds, 1e-5)))
        return max(0, self.concurrency + ahead - self.outstanding)

    def submit(self, unit: Unit) -> None:
        self.outstanding += 1
        self.accepted.add(unit)
        self.ready.put(unit)

    def finished(self, unit: Unit, seconds: float) -> None:
        self.outstanding -= 1
        self.accepted.discard(unit)
        self.mean_seconds = seconds if self.mean_seconds is None else 0.8 * self.mean_seconds + 0.2 * seconds

    def take_unstarted(self) -> list[Unit]:
        """What no thread has started yet."""
        units: list[Unit] = []
        while True:
            try:
                unit = self.ready.get_nowait()
            except queue.Empty:
                break
            if unit is not None:
                units.append(unit)
        self.outstanding -= len(units)
        self.accepted.difference_update(units)
        return units

    def take_held_up(self) -> list[Unit]:
        """What no thread has started, where the runs before it turn out long: others may be free for it. No more is taken ahead then."""
        if self.ready.empty() or len(self.running) < self.concurrency or time.monotonic() < self.begun_at + LONG_SECONDS:
            return []
        self.mean_seconds = max(self.mean_seconds or 0.0, LONG_SECONDS)
        return self.take_unstarted()

    def cancel(self, job_id: str) -> None:
        """Keeps a job that has not begun from it, and interrupts one that runs alone; in a batch only its settlement can tell."""
        for unit in [unit for unit in [*self.accepted] if unit.has(job_id)]:
            unit.cancelled.add(job_id)
            reason = JobCancelled("it was cancelled while it ran")
            if len(unit.claims) == 1 and not (unit.kill and unit.kill(reason)):
                interrupt(unit, reason)

    def end(self) -> None:
        """The threads end when they are free."""
        for _ in range(self.concurrency):
            self.ready.put(None)

    def _work(self) -> None:
        while (unit := self.ready.get()) is not None:
            self.begun_at = time.monotonic()
            self.running.add(unit)
            outcomes = self._run(unit)
            self.running.discard(unit)
            if outcomes is None:
                break  # written off meanwhile: another thread has this one's place
            if unit.interrupted_at:
                self.start_thread()
            self.done(unit, outcomes, time.monotonic() - unit.started_at)
            if unit.interrupted_at:
                break  # what the interrupt left half done, such as a transaction, is no place for the next job
        connections.close_all()

    def _run(self, unit: Unit) -> list[Outcome] | None:
        """The unit's outcomes, None where they came too late. The deadline may strike until the unit is marked as over."""
        outcomes: list[Outcome] | None = None
        is_mine = False
        while not is_mine:
            try:
                outcomes = outcomes or self._call(unit)
                with unit.lock:
                    if unit.is_over:
                        return None
                    withdraw_interrupt(unit)
                    unit.is_over = is_mine = True
            except Interrupted:
                error = unit.interruption or JobTimeout("it was interrupted")
                outcomes = outcomes or [failed(claim, error) for claim in unit.claims]
        return outcomes

    def _call(self, unit: Unit) -> list[Outcome]:
        unit.started_at = time.monotonic()
        close_old_connections()
        try:
            if self.handler is None and not unit.cancelled and (isolated := find_isolated(unit)):
                return self.children.run(unit, isolated)
            unit.thread_id = threading.get_ident()
            return run(unit, self.handler)
        except Interrupted:
            raise
        except BaseException as error:
            log.exception("A run of %s ended without an outcome", unit.name)
            return [failed(claim, error) for claim in unit.claims]
        finally:
            close_old_connections()
