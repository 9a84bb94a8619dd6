"""How a run ended."""

from __future__ import annotations

import time
import zlib
from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from queues.conf import settings
from queues.exceptions import InvalidPayload, JobCancelled, NonRetryable, Refused, RetryLater, UnknownJob
from queues.jobs.backoff import decode_backoff, wait_seconds
from queues.jobs.registry import Definition, registry
from queues.store.fields import integer, rq_time
from queues.store.queue import get_queue
from queues.worker.claims import Claim
from queues.worker.error_texts import describe, describe_at_length

FINAL = (NonRetryable, Refused, UnknownJob, InvalidPayload, JobCancelled)
"""Errors after which a job is not run again, whatever attempts remain."""


class Kind(StrEnum):
    COMPLETED = "completed"
    RETRY = "retry"
    LATER = "later"
    DEAD = "dead"
    BACK = "back"


RQ_RESULT_TYPE = {Kind.COMPLETED: 1, Kind.DEAD: 2, Kind.RETRY: 4}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of one run. `delay_seconds` is the wait before the next one, where there is one."""

    claim: Claim
    kind: Kind
    delay_seconds: float = 0.0
    result: Any = None
    error: BaseException | None = None
    traceback: str = ""  # where the error happened in another process
    ended_at: float = field(default_factory=time.time)

    @property
    def attempts_made(self) -> int:
        """Runs charged so far, this one included if it was."""
        return self.claim.attempts_made + (self.kind in RQ_RESULT_TYPE)

    @property
    def is_put_back(self) -> bool:
        """Whether the job runs again after the delay."""
        return self.kind in (Kind.RETRY, Kind.LATER)

    def arguments(self, worker: str) -> list[str | bytes | int | float]:
        """The outcome as settle.lua reads it."""
        queue = get_queue(self.claim.queue)
        keep = queue.keep_completed if self.kind is Kind.COMPLETED else queue.keep_failed
        error_class = type(self.error).__name__ if self.error else ""
        entry = self._result_entry(worker)
        claim = self.claim
        head = [
            claim.queue,
            claim.id,
            claim.execution,
            self.kind.value,
            self.delay_seconds,
            self.attempts_made,
            rq_time(self.ended_at),
            str(keep),
        ]
        return [*head, describe(self.error), error_class, round(self.ended_at - claim.claimed_at, 6), len(entry), *entry]

    def _result_entry(self, worker: str) -> list[str | bytes | int | float]:
        """RQ's result stream entry; a first run that returned nothing needs none."""
        if self.kind not in RQ_RESULT_TYPE or (self.kind is Kind.COMPLETED and self.result is None and self.attempts_made == 1):
            return []
        entry: list[str | bytes | int | float] = ["type", RQ_RESULT_TYPE[self.kind], "worker_name", worker]
        if self.error is not None:
            kind = type(self.error)
            entry += ["exc_string", b64encode(zlib.compress((self.traceback or describe_at_length(self.error)).encode()))]
            entry += ["exc_class", f"{kind.__module__}.{kind.__qualname__}"]  # ours, RQ ignores it
        elif self.result is not None:
            entry += ["return_value", b64encode(orjson.dumps(self.result))]
        times: list[str | float] = ["execution_started_at", self.claim.claimed_at, "execution_ended_at", self.ended_at]
        return [*entry, "execution_id", self.claim.execution, *times]


def completed(claim: Claim, result: Any) -> Outcome:
    """A good end; a result that is not JSON, or too large, fails the run, as losing it silently would be worse."""
    try:
        size, most = len(orjson.dumps(result)), settings.max_payload_bytes
    except TypeError as error:
        return Outcome(claim=claim, kind=Kind.DEAD, error=NonRetryable(f"The job's result is not JSON: {error}"))
    if size > most:
        reason = f"The job's result, {size:,} bytes of JSON, is larger than QUEUES_MAX_PAYLOAD_BYTES allows ({most:,})"
        return Outcome(claim=claim, kind=Kind.DEAD, error=NonRetryable(reason))
    return Outcome(claim=claim, kind=Kind.COMPLETED, result=result)


def failed(claim: Claim, error: BaseException, definition: Definition | None = None, *, gives_up: bool | None = None) -> Outcome:
    """Decides by the error: later without charge, dead at once, or charged and retried while attempts remain.

    The attempts are the job's own, else its definition's (by default that of its name); what has neither gets one. `gives_up` is
    given where the error's class is not at hand, else the definition is asked.
    """
    definition = definition or registry.find(claim.name)
    if isinstance(error, RetryLater):
        return Outcome(claim=claim, kind=Kind.LATER, delay_seconds=error.seconds, error=error)
    charged = claim.attempts_made + 1
    attempts = integer(claim.fields.get("attempts"), (definition.attempts or get_queue(claim.queue).attempts) if definition else 1)
    if gives_up is None:
        gives_up = definition is not None and definition.gives_up_on(error)
    if gives_up or isinstance(error, FINAL) or charged >= attempts:
        return Outcome(claim=claim, kind=Kind.DEAD, error=error)
    backoff = decode_backoff(claim.fields.get("backoff")) or (definition and definition.backoff) or get_queue(claim.queue).backoff
    return Outcome(claim=claim, kind=Kind.RETRY, delay_seconds=wait_seconds(backoff, charged), error=error)
