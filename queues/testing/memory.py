"""Queues in memory: our own scripts on a Redis that lives in this process, so that it refuses what the real one refuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import django_rq.connection_utils
import django_rq.queues
import redis
from django.test import override_settings

import queues.store.connection
from queues.address import server_key
from queues.exceptions import PackageMissing

PLACES = (queues.store.connection, django_rq.connection_utils, django_rq.queues)
"""The modules that open connections, ours and django-rq's."""


@contextmanager
def memory_queues() -> Iterator[None]:
    """Every queue of RQ_QUEUES, django-rq's `get_queue` too, is empty, in memory, and of this process alone, until the block ends.

    Works as a decorator of functions as well. A worker process does not see these jobs: see run_jobs. What holds a client
    from before keeps it. Raises PackageMissing without fakeredis and its Lua.
    """
    connect = _connector()
    with ExitStack() as stack:
        stack.enter_context(override_settings(QUEUES_TEST_REDIS=True))
        stack.enter_context(patch.object(queues.store.connection, "_clients", {}))
        for module in PLACES:
            stack.enter_context(patch.object(module, "get_redis_connection", connect))
        yield


def _connector() -> Callable[..., redis.Redis]:
    """Stands in for django-rq's get_redis_connection: one server per connection described."""
    try:
        import lupa  # noqa: F401  # without it fakeredis knows no scripts
        from fakeredis import FakeRedis, FakeServer
    except ImportError as error:
        raise PackageMissing(f'Queues in memory need fakeredis with Lua: pip install "fakeredis[lua]" ({error}).') from error
    servers: defaultdict[str, FakeServer] = defaultdict(FakeServer)

    def connect(config: dict[str, Any], use_strict_redis: bool = False) -> redis.Redis:
        return FakeRedis(server=servers[server_key(config)])

    return connect
