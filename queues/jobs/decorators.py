"""`@job` and `@schedule`: how a function becomes a job."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Generic, ParamSpec, TypeVar, get_args, overload

from pydantic import BaseModel

from queues.exceptions import InvalidJob
from queues.jobs.backoff import Backoff, Exponential
from queues.jobs.batch import Batch
from queues.jobs.job import Job
from queues.jobs.payload import Style, inspect_function
from queues.jobs.registry import Definition, Isolation, registry

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

    def using(self, *, delay: float | None = None, priority: int = 0, dedupe: str | None = None) -> Options[P]:
        """The same with options: `f.using(delay=60).enqueue(...)`."""
        return Options(self.definition, delay=delay, priority=priority, dedupe=dedupe)


class Options(Generic[P]):
    """A registered job with the options of one enqueue."""

    def __init__(self, definition: Definition, **options: Any) -> None:
        self.definition = definition
        self.options = options

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> Job:
        from queues.publish import add_job

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
        definition = Definition(function=function, model=model, style=style, **self.options)
        registry.register(definition)
        return RegisteredJob(definition)


def job(
    *,
    name: str,
    queue: str,
    attempts: int = 3,
    backoff: Backoff | None = None,
    timeout: int = 180,
    batch: int | None = None,
    isolation: Isolation = "thread",
) -> Decorator:
    """Registers a function as the job `name` of `queue`.

    `attempts` counts runs in all; `backoff(n)` gives the seconds after the n-th failure (1 s, 2 s, 4 s by default);
    `timeout` is in whole seconds; `batch` is the most items that one call of a batch handler takes; `isolation="process"`
    runs it in a process of the worker's, which is killed at the deadline whatever it does.
    Raises InvalidJob, AlreadyRegistered.
    """
    if attempts < 1 or timeout < 1 or (batch is not None and batch < 1):
        raise InvalidJob(f"{name}: attempts, timeout and batch must be at least 1.")
    if isolation not in get_args(Isolation):
        raise InvalidJob(f"{name}: isolation is one of {', '.join(get_args(Isolation))}, not {isolation!r}.")
    return Decorator(
        name=name,
        queue=queue,
        attempts=attempts,
        backoff=backoff or Exponential(),
        timeout_seconds=timeout,
        batch=batch,
        isolation=isolation,
    )


def schedule(*, every: int) -> Callable[[F], F]:
    """Above `@job`: one run per `every` seconds, however many workers run. The payload must be empty or all defaults."""

    def decorate(registered: F) -> F:
        definition = replace(registered.definition, every_seconds=every)
        definition.validate({})
        registry.register(definition)
        registered.definition = definition
        return registered

    return decorate
