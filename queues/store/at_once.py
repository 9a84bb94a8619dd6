"""Asking several servers at a time: of those that do not answer, all cost the time of one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SERVERS = 16
"""So many are asked at a time."""

S = TypeVar("S")
T = TypeVar("T")


def at_once(ask: Callable[[S], T], servers: Sequence[S]) -> list[T]:
    """The answers, in the order of the servers. Raises the first one's error that there is, so `ask` should tell errors as answers."""
    if len(servers) < 2:
        return [ask(server) for server in servers]
    with ThreadPoolExecutor(min(len(servers), SERVERS)) as pool:
        return list(pool.map(ask, servers))
