"""What passes between a worker and a child that runs an isolated call: a line of JSON each way, names and plain data only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from queues import exceptions
from queues.exceptions import JobProcessDied, RetryLater
from queues.jobs.registry import Definition, registry
from queues.worker.claims import Claim, Unit
from queues.worker.error_texts import describe, describe_at_length
from queues.worker.outcomes import Outcome, completed, failed


def encode_call(unit: Unit) -> bytes:
    """The call as the child needs it; the jobs' fields byte for byte, so that the child reads them as a thread does."""
    claims = [
        {
            "queue": claim.queue,
            "id": claim.id,
            "execution": claim.execution,
            "worker": claim.worker,
            "claimed_at": claim.claimed_at,
            "fields": {name: value.decode("latin-1") for name, value in claim.fields.items()},
        }
        for claim in unit.claims
    ]
    return _line({"queue": unit.queue, "name": unit.name, "claims": claims})


def decode_call(line: bytes) -> Unit:
    facts = orjson.loads(line)
    claims = [
        Claim(**{**claim, "fields": {name: text.encode("latin-1") for name, text in claim["fields"].items()}}) for claim in facts["claims"]
    ]
    return Unit(queue=facts["queue"], name=facts["name"], claims=claims, timeout_seconds=math.inf)


def encode_outcomes(unit: Unit, outcomes: Sequence[Outcome]) -> bytes:
    """The ends of the unit's runs, in the order of its claims."""
    by_claim = {outcome.claim: outcome for outcome in outcomes}
    return _line([_encode_outcome(by_claim[claim]) for claim in unit.claims])


def decode_outcomes(line: bytes, unit: Unit, definition: Definition) -> list[Outcome]:
    """The outcomes, decided here as for runs in a thread. Raises JobProcessDied where the line says no such thing."""
    try:
        ends = zip(unit.claims, orjson.loads(line), strict=True)
        return [_decode_outcome(claim, end, definition) for claim, end in ends]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JobProcessDied("the job's process answered what is no outcome: the job wrote to its worker's socket?") from error


def _line(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def _encode_outcome(outcome: Outcome) -> dict[str, Any]:
    error = outcome.error
    if error is None:
        return {"result": outcome.result}
    kind = type(error)
    definition = registry.find(outcome.claim.name)
    return {
        "class": kind.__name__,
        "module": kind.__module__,
        "base": next((base.__name__ for base in kind.__mro__ if base.__module__ == exceptions.__name__), ""),
        "message": describe(error).removeprefix(f"{kind.__name__}: "),
        "seconds": error.seconds if isinstance(error, RetryLater) else None,
        "gives_up": definition is not None and definition.gives_up_on(error),
        "traceback": describe_at_length(error),
    }


def _decode_outcome(claim: Claim, end: dict[str, Any], definition: Definition) -> Outcome:
    if "class" not in end:
        return completed(claim, end["result"])
    return replace(failed(claim, _decode_error(end), definition, gives_up=end["gives_up"]), traceback=end["traceback"])


def _decode_error(facts: dict[str, Any]) -> BaseException:
    """An exception of the same class name and text, and of the same kind of ours where it is one: classes do not travel."""
    base: type[Exception] = getattr(exceptions, facts["base"], Exception)
    kind: type[Exception] = base
    if facts["class"] != base.__name__:
        kind = type(facts["class"], (base,), {"__module__": facts["module"]})
    error = kind.__new__(kind, facts["message"])  # not called: their constructors take other arguments
    if isinstance(error, RetryLater):
        error.seconds = facts["seconds"]
    return error
