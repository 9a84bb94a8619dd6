"""The registry: which names are jobs, and what each one is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from queues.exceptions import AlreadyRegistered, JobTimeout, UnknownJob
from queues.jobs.backoff import Backoff
from queues.jobs.batch import Batch, Item
from queues.jobs.job import Job
from queues.jobs.options import Keep
from queues.jobs.payload import Style, as_plain, validate
from queues.jobs.schedule import Schedule

MAX_OWNER_CHARACTERS = 200

Isolation = Literal["thread", "process"]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A registered job. `timeout_seconds` bounds one attempt; `batch` is the most items of one call, None for one by one.

    Where `attempts`, `backoff` and the keeps are None, the queue's apply. `owner` names the payload's field that says whose a job is.
    `isolation` says what of the worker's runs it: a thread, or a process that can be killed.
    """

    name: str
    queue: str
    function: Callable[..., Any]
    model: type[BaseModel]
    style: Style
    timeout_seconds: int
    attempts: int | None = None
    backoff: Backoff | None = None
    batch: int | None = None
    owner: str | None = None
    retry_on: tuple[type[BaseException], ...] = ()
    give_up_on: tuple[type[BaseException], ...] = ()
    keep_completed: Keep | None = None
    keep_failed: Keep | None = None
    schedules: tuple[Schedule, ...] = ()
    isolation: Isolation = "thread"

    @property
    def path(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def is_own(self) -> bool:
        """Whether it is a job of this app itself."""
        return self.function.__module__.startswith("queues.operations.")

    @property
    def is_by_hand(self) -> bool:
        """Whether a person may add it: no task, whose backend does that, and none of this app's own jobs that a payload tells what to do.
        Those act by rights that their page has asked for, and in the name that it gave."""
        return bool(self.queue) and not (self.is_own and self.model.model_fields)

    @property
    def schedule_names(self) -> list[str]:
        return [schedule.name for schedule in self.schedules]

    @property
    def fields(self) -> dict[str, str]:
        """What the hash of each of its jobs keeps of it, unless the job's own options say otherwise."""
        keeps = {"keep_completed": self.keep_completed, "keep_failed": self.keep_failed}
        return {name: str(keep) for name, keep in keeps.items() if keep is not None}

    def validate(self, payload: Any) -> BaseModel:
        return validate(self.name, self.model, payload)

    def plain(self, payload: Any) -> dict[str, Any]:
        """The payload, validated, in JSON's own types. Raises InvalidPayload."""
        return as_plain(self.name, self.validate(payload))

    def payload_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The payload that a plain call of the function means. Raises TypeError where the arguments do not fit."""
        if self.style is Style.KEYWORDS:
            return dict(inspect.signature(self.function).bind_partial(*args, **kwargs).arguments)
        if len(args) == 1 and not kwargs:
            return args[0]
        if args:
            raise TypeError("it takes its payload's fields as keywords, or one payload")
        return dict(kwargs)

    def owner_of(self, payload: Mapping[str, Any]) -> str:
        """Whose job this is, empty for nobody's."""
        value = payload.get(self.owner) if self.owner else None
        return "" if value is None else str(value)[:MAX_OWNER_CHARACTERS]

    def gives_up_on(self, error: BaseException) -> bool:
        """Whether the error ends the job, whatever attempts remain. `retry_on` is about what the function raises: an overrun is not."""
        return isinstance(error, self.give_up_on) or bool(self.retry_on and not isinstance(error, (*self.retry_on, JobTimeout)))

    def call(self, payload: Any, job: Callable[[], Job] | None = None) -> Any:
        """Runs the function once with this payload. A batch handler gets a batch of one, of `job()`; its item's failure is raised."""
        data = self.validate(payload)
        if self.style is Style.KEYWORDS:
            return self.function(**{name: getattr(data, name) for name in self.model.model_fields})
        if self.style is Style.MODEL:
            return self.function(data)
        item = Item(job=job() if job else Job(id="", name=self.name, queue=self.queue), data=data)
        self.function(Batch([item]))
        if item.error is not None:
            raise item.error
        return None


class Registry:
    """Definitions by name and by the dotted path of their function."""

    def __init__(self) -> None:
        self._by_name: dict[str, Definition] = {}
        self._by_path: dict[str, Definition] = {}

    def register(self, definition: Definition) -> None:
        known = self._by_name.get(definition.name)
        if known is not None and known.path != definition.path:
            raise AlreadyRegistered(f"The job name {definition.name!r} belongs to {known.path}; {definition.path} cannot have it too.")
        self._by_name[definition.name] = definition
        self._by_path[definition.path] = definition

    def unregister(self, name: str) -> None:
        definition = self._by_name.pop(name)
        self._by_path.pop(definition.path, None)

    def get(self, name: str) -> Definition:
        """Raises UnknownJob."""
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownJob(name, list(self._by_name)) from None

    def find(self, name: str) -> Definition | None:
        return self._by_name.get(name)

    def find_by_path(self, path: str) -> Definition | None:
        return self._by_path.get(path)

    def __iter__(self) -> Iterator[Definition]:
        return iter(list(self._by_name.values()))


registry = Registry()
