"""Where a queue's Redis is, in words that may be shown: never with a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_rq.connection_utils import filter_connection_params


def describe(config: Mapping[str, Any]) -> str:
    """The server of one entry of RQ_QUEUES, such as `redis://redis.internal:6379/0`."""
    if url := config.get("URL"):
        scheme, separator, rest = str(url).rpartition("://")
        return scheme + separator + rest.rpartition("@")[2].partition("?")[0]
    if path := config.get("UNIX_SOCKET_PATH"):
        return f"unix://{path}"
    if "SENTINELS" in config:
        return f"the Sentinel service {config.get('MASTER_NAME')}"
    if cache := config.get("USE_REDIS_CACHE"):
        return f"the cache {cache!r}"
    return f"redis://{config.get('HOST')}:{config.get('PORT')}/{config.get('DB', 0)}"


def server_key(config: Mapping[str, Any]) -> str:
    """Equal for queues that one worker can serve together. Holds passwords: not to be shown."""
    return repr(sorted(filter_connection_params(dict(config)).items()))
