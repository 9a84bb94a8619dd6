"""The one call that settles many runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import redis

from queues.exceptions import JobCancelled, NonRetryable
from queues.store import scripts
from queues.worker.error_texts import describe
from queues.worker.outcomes import Kind, Outcome

log = logging.getLogger("queues.worker")

SETTLE_AT_ONCE = 200
SETTLED, CANCELLED, BROKEN = 1, 2, 3
SERVERS_OWN = ("MISCONF", "BUSY", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN")
"""How Redis's answers begin when it takes nobody's writes: a full disk, a script that runs long, replicas that are away."""


def settle(connection: redis.Redis, worker: str, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Settles runs, one round trip per two hundred. Returns those whose lease was still held: the others changed nothing.

    A job that is to be cancelled comes back as dead of that, unless it had completed.
    """
    settled: list[Outcome] = []
    for at in range(0, len(outcomes), SETTLE_AT_ONCE):
        part = outcomes[at : at + SETTLE_AT_ONCE]
        for outcome, answer in zip(part, _send(connection, worker, part), strict=True):
            if answer == SETTLED:
                settled.append(outcome)
            elif answer == CANCELLED:
                settled.append(replace(outcome, kind=Kind.DEAD, error=JobCancelled("it was cancelled while it ran")))
            elif answer == BROKEN:
                log.error(
                    "The end of job %s was dropped, as its queue %s is broken: it will run again", outcome.claim.id, outcome.claim.queue
                )
    return settled


def _send(connection: redis.Redis, worker: str, part: Sequence[Outcome]) -> list[int]:
    """What settle.lua answers per outcome. One that Redis cannot take is told apart from the others, and ends its job for good."""
    try:
        answers: list[int] = scripts.settle(connection, worker, [argument for outcome in part for argument in outcome.arguments(worker)])
        return answers
    except (redis.exceptions.OutOfMemoryError, redis.exceptions.ReadOnlyError, redis.exceptions.ConnectionError):
        raise
    except (redis.exceptions.DataError, redis.exceptions.ResponseError, UnicodeError) as error:
        if str(error).startswith(SERVERS_OWN):
            raise
        if len(part) > 1:
            return [answer for outcome in part for answer in _send(connection, worker, [outcome])]
        if isinstance(part[0].error, NonRetryable):
            raise
        reason = NonRetryable(f"the outcome could not be stored: {describe(error)}")
        return _send(connection, worker, [Outcome(claim=part[0].claim, kind=Kind.DEAD, error=reason)])
