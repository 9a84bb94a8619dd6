"""Runs one call and says how it ended. Nothing is imported by name here but what the settings allow."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string

from queues import signals
from queues.conf import settings
from queues.exceptions import JobCancelled, Refused
from queues.jobs.batch import Batch, Item
from queues.jobs.job import Job
from queues.jobs.registry import Definition, registry
from queues.jobs.running import running
from queues.store import payloads
from queues.worker.claims import Claim, Unit
from queues.worker.options import Handler
from queues.worker.outcomes import Outcome, completed, failed


def run(unit: Unit, handler: Handler | None = None) -> list[Outcome]:
    """One outcome per claim. Exceptions of the job's function, or of the handler in its place, are its outcome; what is no Exception
    passes through."""
    claims = [claim for claim in unit.claims if claim.id not in unit.cancelled]
    outcomes = [failed(claim, JobCancelled("it was cancelled before it ran")) for claim in unit.claims if claim not in claims]
    if signals.started.has_listeners(Job):
        for claim in claims:
            signals.started.send_robust(sender=Job, job=claim.job())
    definition = registry.find(unit.name)
    if definition is not None and definition.batch and handler is None:
        return outcomes + _run_batch(definition, claims)
    return outcomes + [_run_single(claim, handler) for claim in claims]


def _run_single(claim: Claim, handler: Handler | None) -> Outcome:
    definition = None
    try:
        call = _read(claim)
        definition, function = _resolve(call, claim)
        if handler is not None and definition is not None and not definition.is_own:
            definition.validate(call.payload)
            function = functools.partial(handler, claim.job())
        with running(claim.job):
            return completed(claim, function())
    except Exception as error:
        return failed(claim, error, definition)


def _run_batch(definition: Definition, claims: list[Claim]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    items: list[tuple[Claim, Item[Any]]] = []
    for claim in claims:
        try:
            items.append((claim, Item(job=claim.job(), data=definition.validate(_read(claim).payload))))
        except Exception as error:
            outcomes.append(failed(claim, error, definition))
    if not items:
        return outcomes
    raised: Exception | None = None
    try:
        definition.function(Batch([item for _, item in items]))
    except Exception as error:
        raised = error
    for claim, item in items:
        cause = item.error or raised
        outcomes.append(failed(claim, cause, definition) if cause else completed(claim, None))
    return outcomes


def _read(claim: Claim) -> payloads.Call:
    """What the claim asks for. Raises Refused."""
    if foreign := claim.fields.get("foreign"):
        raise Refused(f"The job asks for RQ's {foreign.decode()}, which this worker does not do, so it was not run.")
    return payloads.decode(claim.fields.get("data", b""))


def _resolve(call: payloads.Call, claim: Claim) -> tuple[Definition | None, Callable[[], Any]]:
    """What the call may run. Raises UnknownJob, Refused."""
    if call.name:
        definition = registry.get(call.name)
        return definition, lambda: definition.call(call.payload, claim.job)
    found = registry.find_by_path(call.function)
    if found is not None:
        payload = _payload(found, call)
        return found, lambda: found.call(payload, claim.job)
    if call.function in settings.allowed_functions:
        function = import_string(call.function)
        return None, lambda: function(*call.args, **call.payload)
    raise Refused(f"{call.function!r} is neither a registered job nor in QUEUES_ALLOWED_FUNCTIONS, so it was not imported.")


def _payload(definition: Definition, call: payloads.Call) -> Any:
    try:
        return definition.payload_of(call.args, call.payload)
    except TypeError as error:
        raise Refused(f"The arguments do not fit {call.function}: {error}") from error
