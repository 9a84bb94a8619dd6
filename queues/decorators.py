"""`@job` and `@schedule`: how a function becomes a job."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Generic, ParamSpec, TypeVar, Unpack, get_args, overload

from pydantic import BaseModel

from queues.durations import Duration, in_seconds
from queues.exceptions import InvalidJob, InvalidSchedule
from queues.jobs.backoff import Backoff, parse_backoff
from queues.jobs.batch import Batch
from queues.jobs.job import Job
from queues.jobs.options import AddOptions, Keep
from queues.jobs.payload import Style, inspect_function
from queues.jobs.registry import Definition, Isolation, registry
from queues.jobs.schedule import Schedule, seconds_of
from queues.publish import add_job
from queues.store import payloads

P = ParamSpec("P")
M = TypeVar("M", bound=BaseModel)
F = TypeVar("F", bound="RegisteredJob[Any]")


class RegisteredJob(Generic[P]):
    """A function that is a job. Called, it runs here and now; `.enqueue(...)` queues it with these arguments."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        functools.update_wrapper(self, definition.function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.definition.function(*args, **kwargs)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        """Queues the job; inside a transaction on its commit. Raises InvalidPayload before anything reaches Redis."""
        return self.using().enqueue(*args, **kwargs)

    def using(self, **options: Unpack[AddOptions]) -> Prepared[P]:
        """The same with the options of add_job: `f.using(delay=60).enqueue(...)`."""
        return Prepared(self.definition, **options)


class Prepared(Generic[P]):
    """A registered job with the options of one enqueue."""

    def __init__(self, definition: Definition, **options: Unpack[AddOptions]) -> None:
        self.definition = definition
        self.options = options

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        payload: Any = kwargs
        if args:
            if len(args) != 1 or kwargs or not isinstance(args[0], BaseModel):
                raise InvalidJob(f"{self.definition.name}: enqueue takes keywords, or one payload model.")
            payload = args[0].model_dump(mode="json")
        return add_job(self.definition.queue, self.definition.name, payload, **self.options)


class Decorator:
    """What `@job(...)` returns."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    @overload
    def __call__(self, function: Callable[[Batch[M]], None]) -> RegisteredJob[...]: ...
    @overload
    def __call__(self, function: Callable[[M], Any]) -> RegisteredJob[...]: ...
    @overload
    def __call__(self, function: Callable[P, Any]) -> RegisteredJob[P]: ...
    def __call__(self, function: Callable[..., Any]) -> RegisteredJob[Any]:
        model, style = inspect_function(function)
        if (style is Style.BATCH) != (self.options["batch"] is not None):
            raise InvalidJob(f"{function.__qualname__}: batch= and a parameter annotated Batch[...] go together.")
        if (owner := self.options["owner"]) is not None and owner not in model.model_fields:
            raise InvalidJob(f"{function.__qualname__}: owner={owner!r} is no field of its payload.")
        definition = Definition(function=function, model=model, style=style, **self.options)
        registry.register(definition)
        return RegisteredJob(definition)


def job(
    *,
    name: str,
    queue: str,
    attempts: int | None = None,
    backoff: Backoff | Duration | None = None,
    timeout: Duration = 180,
    batch: int | None = None,
    isolation: Isolation = "thread",
    owner: str | None = None,
    retry_on: Sequence[type[BaseException]] = (),
    give_up_on: Sequence[type[BaseException]] = (),
    keep_completed: int | Keep | None = None,
    keep_failed: int | Keep | None = None,
) -> Decorator:
    """Registers a function as the job `name` of `queue`.

    `attempts` counts runs in all (the queue's ATTEMPTS, else 3); `backoff` is seconds, Fixed, Exponential or a function that gives
    the seconds after the n-th failure (the queue's BACKOFF, else 1 s, 2 s, 4 s, ...); `timeout`, at least a second, bounds one attempt;
    `batch` is the most items that one call of a batch handler takes; `isolation="process"` runs it in a process of the worker's, which is
    killed at the deadline whatever it does. `owner` names the field of the payload that says whose a job is:
    owners are served in turn. An error of `give_up_on`, or raised outside of `retry_on` where that is given, fails the job at once.
    `keep_completed` and `keep_failed` replace the queue's. Spans are seconds or a timedelta. Raises InvalidJob, AlreadyRegistered.
    """
    timeout_seconds = int(in_seconds(timeout))
    if (attempts is not None and attempts < 1) or timeout_seconds < 1 or (batch is not None and batch < 1):
        raise InvalidJob(f"{name}: attempts, timeout and batch must be at least 1.")
    try:
        keeps = {"keep_completed": _parsed(Keep.parse, keep_completed), "keep_failed": _parsed(Keep.parse, keep_failed)}
        waits = _parsed(parse_backoff, backoff)
    except ValueError as error:
        raise InvalidJob(f"{name}: {error}") from error
    if isolation not in get_args(Isolation):
        raise InvalidJob(f"{name}: isolation is one of {', '.join(get_args(Isolation))}, not {isolation!r}.")
    runs = {"attempts": attempts, "backoff": waits, "timeout_seconds": timeout_seconds, "batch": batch, "isolation": isolation}
    return Decorator(name=name, queue=queue, owner=owner, retry_on=tuple(retry_on), give_up_on=tuple(give_up_on), **runs, **keeps)


def schedule(
    *,
    cron: str = "",
    timezone: str = "",
    every: float | timedelta | None = None,
    data: Mapping[str, Any] | None = None,
    name: str = "",
) -> Callable[[F], F]:
    """Above `@job`: one run per slot, however many workers run. See Schedule for what a slot is.

    Exactly one of `cron` (in `timezone`, by default Django's TIME_ZONE) and `every` (seconds or a timedelta). `data` is the
    payload. A job may have several schedules, each with a `name` of its own; the default is the job's.
    Raises InvalidSchedule, InvalidPayload.
    """

    def decorate(registered: F) -> F:
        if not isinstance(registered, RegisteredJob):
            raise InvalidSchedule(f"{registered.__qualname__} is no job yet: @schedule stands above @job.")
        definition, known = registered.definition, name or registered.definition.name
        added = Schedule(name=known, cron=cron, timezone=timezone, every_seconds=seconds_of(known, every), data=dict(data or {}))
        payloads.encode(definition.name, definition.plain(added.data))
        others = [each for each in registry if each.name != definition.name]
        if owner := next((each for each in [definition, *others] if known in each.schedule_names), None):
            raise InvalidSchedule(f"The schedule {known!r} exists already, of the job {owner.name!r}: give this one another name=.")
        definition = replace(definition, schedules=(added, *definition.schedules))
        registry.register(definition)
        registered.definition = definition
        return registered

    return decorate


def _parsed(parse: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else parse(value)
