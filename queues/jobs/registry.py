"""The registry: which names are jobs, and what each one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from queues.exceptions import AlreadyRegistered, UnknownJob
from queues.jobs.backoff import Backoff
from queues.jobs.batch import Batch, Item
from queues.jobs.job import Job
from queues.jobs.payload import Style, validate

Isolation = Literal["thread", "process"]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A registered job. `timeout_seconds` bounds one attempt; `batch` is the most items of one call, None for one by one.

    `isolation` says what of the worker's runs it: a thread, or a process that can be killed.
    """

    name: str
    queue: str
    function: Callable[..., Any]
    model: type[BaseModel]
    style: Style
    attempts: int
    backoff: Backoff
    timeout_seconds: int
    batch: int | None
    every_seconds: int | None = None
    isolation: Isolation = "thread"

    @property
    def path(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def validate(self, payload: Any) -> BaseModel:
        return validate(self.name, self.model, payload)

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
        del self._by_path[definition.path]

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
