"""Which jobs need a process that can be killed, `@job(..., isolation="process")`, and the processes kept for them."""

from __future__ import annotations

import logging
import threading
import time

from queues.exceptions import JobProcessDied, RetryLater
from queues.jobs.registry import Definition, registry
from queues.store import payloads
from queues.worker.child import LEAVE_SECONDS, START_AGAIN_SECONDS, Child
from queues.worker.claims import Unit
from queues.worker.outcomes import Outcome, failed
from queues.worker.wire import decode_outcomes

log = logging.getLogger("queues.worker")

RUNS_A_CHILD = 1000
"""Calls after which a child is replaced, so that what jobs leak is bounded. A start takes as long as hundreds of short calls."""


def find_isolated(unit: Unit) -> Definition | None:
    """The definition of a call that needs a process; None for those that threads run."""
    definition = registry.find(unit.name)
    if not unit.name:  # enqueued the way of plain RQ: its function says which job it is
        call = payloads.try_decode(unit.claims[0].fields.get("data", b""))
        definition = registry.find_by_path(call.function) if call else None
    return definition if definition is not None and definition.isolation == "process" else None


class Children:
    """The children of one queue: as many as isolated calls run at a time, kept for the next ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._running: set[Child] = set()
        self._is_closed = False

    def run(self, unit: Unit, definition: Definition) -> list[Outcome]:
        """One outcome per claim, as the runner's. While it runs, `unit.kill(error)` ends it with that error as its outcome."""
        child = None
        try:
            child = self._take()
            outcomes = decode_outcomes(child.run(unit), unit, definition)
        except BaseException as error:
            outcomes = [failed(claim, error, definition) for claim in unit.claims]
            is_usable = False
        else:
            is_usable = child.runs < RUNS_A_CHILD
        if child is not None:
            self._give_back(child, is_usable)
        return outcomes

    def close(self) -> None:
        """Kills what runs and ends what is idle; returns when they are gone, after some seconds at most."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            running = list(self._running)
        for child in running:
            child.stop(JobProcessDied("the job's process was killed: its worker ended"))
        for child in idle:
            child.hang_up()
        until = time.monotonic() + LEAVE_SECONDS
        for child in idle:
            child.close(until - time.monotonic())
        for child in running:
            child.await_end(LEAVE_SECONDS)

    def _take(self) -> Child:
        with self._lock:
            if self._is_closed:
                raise RetryLater(0, "the worker is stopping")
            while self._idle:
                child = self._idle.pop()
                if child.is_alive:
                    break
                child.close()
            else:
                child = _new_child()
            self._running.add(child)
            return child

    def _give_back(self, child: Child, is_usable: bool) -> None:
        with self._lock:
            self._running.discard(child)
            if is_usable and not self._is_closed:
                self._idle.append(child)
                return
        child.close()


def _new_child() -> Child:
    try:
        return Child()
    except OSError as error:
        log.error("No process for isolated jobs could be started: %s", error)
        raise RetryLater(START_AGAIN_SECONDS, f"no process could be started: {error}") from error
