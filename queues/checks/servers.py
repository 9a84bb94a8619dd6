"""Whether each Redis answers and keeps what it is given. Asks the servers, so it runs only with `check --database` and `migrate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import redis
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from queues.conf import settings
from queues.store.connection import new_connection
from queues.store.servers import Server, servers

ANSWER_SECONDS = 2.0


@register(Tags.database)
def check_servers(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Nothing without `databases`, as Django's own checks that ask a server."""
    if databases is None:
        return []
    named = (name for name, entry in settings.rq_queues.items() if isinstance(entry, dict))
    return [message for server in servers(named) for message in _ask(server)]


def _ask(server: Server) -> Iterator[CheckMessage]:
    try:
        connection = new_connection(server.names[0], answer_seconds=ANSWER_SECONDS)
        where = f"Redis at {server.where} (queues {', '.join(server.names)})"
    except (KeyError, ValueError):
        return  # E004 says what is wrong with the entry
    try:
        memory: Any = connection.info("memory")
    except redis.RedisError as error:
        yield Error(
            f"{where} does not answer: {error}",
            hint="Start the server, or correct its address or password in RQ_QUEUES. `migrate --skip-checks` goes on without it.",
            id="queues.E005",
        )
        return
    finally:
        connection.close()
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        yield Warning(
            f"{where} has maxmemory-policy {policy}: when its memory is full it drops jobs without a word.",
            hint="Set maxmemory-policy noeviction, and give caches a Redis of their own.",
            id="queues.W002",
        )
