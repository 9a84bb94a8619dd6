"""Which queues are on the same Redis."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import redis

from queues.address import describe, server_key
from queues.store.queue import Queue, get_queue, queue_names


@dataclass(frozen=True)
class Server:
    """One Redis, with the queues that are on it."""

    queues: tuple[Queue, ...]

    @property
    def names(self) -> list[str]:
        return [queue.name for queue in self.queues]

    @property
    def connection(self) -> redis.Redis:
        return self.queues[0].connection

    @property
    def where(self) -> str:
        """In words that may be shown."""
        return describe(self.queues[0].config)


def servers(queues: Iterable[str] | None = None) -> list[Server]:
    """Each Redis once: those of these queues, or of all of RQ_QUEUES, in their order. Raises UnknownQueue."""
    found: dict[str, list[Queue]] = {}
    for queue in map(get_queue, queue_names() if queues is None else queues):
        found.setdefault(server_key(queue.config), []).append(queue)
    return [Server(tuple(queues)) for queues in found.values()]
