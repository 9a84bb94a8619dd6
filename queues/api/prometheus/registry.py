"""Which collectors a scrape asks: ours, and those that apps register."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric

from queues.api.prometheus.collector import QueuesCollector


class Collector(Protocol):
    """What answers a scrape. It is made anew for each; `describe` asks nobody, it only names the families."""

    def collect(self) -> Iterable[Metric]: ...

    def describe(self) -> Iterable[Metric]: ...


_factories: list[Callable[[], Collector]] = [QueuesCollector]


def register_collector(factory: Callable[[], Collector]) -> None:
    """Called in the `ready` of an app that has figures of its own."""
    if factory not in _factories:
        _factories.append(factory)


def new_registry() -> CollectorRegistry:
    """One for each scrape: every process of a site answers alike, and nothing that one request asks for stays for the next."""
    registry = CollectorRegistry()
    for factory in _factories:
        registry.register(factory())
    return registry
