"""Which collectors a scrape asks: ours, and those that apps register. By path: what only a scrape needs is loaded by the first one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class Collector(Protocol):
    """What answers one scrape. `describe` gives the families without a sample, and asks nobody."""

    def collect(self) -> Iterable[Metric]: ...

    def describe(self) -> Iterable[Metric]: ...


_paths = ["queues.api.prometheus.collector.QueuesCollector"]


def register_collector(path: str) -> None:
    """The dotted path of a class, for the `ready` of an app that has figures of its own."""
    if path not in _paths:
        _paths.append(path)


def new_collectors() -> Iterator[Collector]:
    for path in _paths:
        yield import_string(path)()
