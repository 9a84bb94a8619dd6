"""Sends the signals of a worker from a thread of its own, so that a slow receiver delays no job and ends no lease."""

from __future__ import annotations

import functools
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import close_old_connections, connections
from django.dispatch import Signal

from queues import signals
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.masking import Masker
from queues.plain import plain_line
from queues.worker.error_texts import describe
from queues.worker.outcomes import Kind, Outcome

log = logging.getLogger("queues.worker")

SIGNALS: dict[Kind, tuple[Signal, ...]] = {
    Kind.COMPLETED: (signals.completed,),
    Kind.RETRY: (signals.failed, signals.retried),
    Kind.DEAD: (signals.failed, signals.dead),
}
LEVELS = {
    Kind.COMPLETED: logging.INFO,
    Kind.RETRY: logging.WARNING,
    Kind.LATER: logging.WARNING,
    Kind.DEAD: logging.ERROR,
    Kind.BACK: logging.INFO,
}
STATES = {
    Kind.COMPLETED: State.COMPLETED,
    Kind.RETRY: State.DELAYED,
    Kind.LATER: State.DELAYED,
    Kind.DEAD: State.FAILED,
    Kind.BACK: State.WAITING,
}


class Announcer:
    """`announce` and `tell` return at once; `stop` waits until everything was sent."""

    def __init__(self) -> None:
        self.calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="announcer", daemon=True)
        self.thread.start()

    def announce(self, outcomes: list[Outcome]) -> None:
        for outcome in outcomes:
            log_outcome(outcome)
            if any(signal.has_listeners(Job) for signal in SIGNALS.get(outcome.kind, ())):
                self.tell(functools.partial(send, outcome))

    def tell(self, call: Callable[[], object]) -> None:
        """Calls it from the announcer's thread."""
        self.calls.put(call)

    def stop(self, timeout_seconds: float) -> None:
        self.calls.put(None)
        self.thread.join(timeout_seconds)

    def _work(self) -> None:
        while (call := self.calls.get()) is not None:
            close_old_connections()
            call()
            close_old_connections()
        connections.close_all()  # those that receivers opened: nobody else ever can


def send(outcome: Outcome) -> None:
    """Sends the outcome's signals here and now; `send_robust` logs receivers that raise."""
    job = replace(outcome.claim.job(), state=STATES[outcome.kind], attempts_made=outcome.attempts_made, error=describe(outcome.error))
    for signal in SIGNALS.get(outcome.kind, ()):
        signal.send_robust(sender=Job, job=job, error=outcome.error)


def report_trouble(worker: str, error: Exception) -> None:
    """Sends the worker's own trouble, which is no job's."""
    signals.worker_error.send_robust(sender=Announcer, worker=worker, error=error)


def log_outcome(outcome: Outcome) -> None:
    """One line per outcome, as `key=value` pairs, which the record carries as attributes too."""
    level = LEVELS[outcome.kind]
    if not log.isEnabledFor(level):
        return
    claim = outcome.claim
    facts: dict[str, Any] = {
        "outcome": outcome.kind.value,
        "job_id": claim.id,
        "queue": claim.queue,
        "job_name": plain_line(claim.name),
        "attempt": claim.attempts_made + 1,
        "duration_seconds": round(outcome.ended_at - claim.claimed_at, 6),
    }
    if outcome.is_put_back:
        facts["retry_in_seconds"] = outcome.delay_seconds
    if outcome.error is not None:
        facts["error"] = plain_line(Masker(claim.job().data).text(describe(outcome.error)))
    log.log(level, " ".join(f"{key}=%({key})s" for key in facts), facts, extra=facts)
