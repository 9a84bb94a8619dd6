"""Which queues are on the same Redis."""

from __future__ import annotations

from collections.abc import Iterable

from queues.address import server_key
from queues.store.queue import Queue, get_queue, queue_names


def by_server(queues: Iterable[str] | None = None) -> list[list[Queue]]:
    """Each Redis once, as the queues that are on it: of these, or of all of RQ_QUEUES, in their order. Raises UnknownQueue."""
    servers: dict[str, list[Queue]] = {}
    for queue in map(get_queue, queue_names() if queues is None else queues):
        servers.setdefault(server_key(queue.config), []).append(queue)
    return list(servers.values())
