"""Sends the signals of settled runs from a thread of its own, so that a slow receiver delays no job."""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import replace

from django.db import close_old_connections
from django.dispatch import Signal

from queues import signals
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.worker.outcomes import Kind, Outcome, describe

log = logging.getLogger("queues.worker")

SIGNALS: dict[Kind, tuple[Signal, ...]] = {
    Kind.COMPLETED: (signals.completed,),
    Kind.RETRY: (signals.failed, signals.retried),
    Kind.DEAD: (signals.failed, signals.dead),
}
STATES = {
    Kind.COMPLETED: State.COMPLETED,
    Kind.RETRY: State.DELAYED,
    Kind.LATER: State.DELAYED,
    Kind.DEAD: State.FAILED,
    Kind.BACK: State.WAITING,
}


class Announcer:
    """`announce` returns at once; `stop` waits until everything was sent."""

    def __init__(self) -> None:
        self.outcomes: queue.SimpleQueue[Outcome | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="announcer", daemon=True)
        self.thread.start()

    def announce(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            log_outcome(outcome)
            if any(signal.has_listeners(Job) for signal in SIGNALS.get(outcome.kind, ())):
                self.outcomes.put(outcome)

    def stop(self, timeout_seconds: float) -> None:
        self.outcomes.put(None)
        self.thread.join(timeout_seconds)

    def _work(self) -> None:
        while (outcome := self.outcomes.get()) is not None:
            close_old_connections()
            send(outcome)
            close_old_connections()


def send(outcome: Outcome) -> None:
    """Sends the outcome's signals here and now; `send_robust` logs receivers that raise."""
    job = replace(outcome.claim.job(), state=STATES[outcome.kind], attempts_made=outcome.attempts_made, error=describe(outcome.error))
    for signal in SIGNALS.get(outcome.kind, ()):
        signal.send_robust(sender=Job, job=job, error=outcome.error)


def log_outcome(outcome: Outcome) -> None:
    claim, facts = outcome.claim, (outcome.claim.id, outcome.claim.name, outcome.claim.queue)
    if outcome.kind is Kind.COMPLETED:
        log.debug("Job %s (%s) of %s completed in %.3f s", *facts, outcome.ended_at - claim.claimed_at)
    elif outcome.kind is Kind.DEAD:
        log.error("Job %s (%s) of %s failed for good: %s", *facts, describe(outcome.error))
    elif outcome.kind is not Kind.BACK:
        log.warning("Job %s (%s) of %s runs again in %g s: %s", *facts, outcome.delay_seconds, describe(outcome.error))
