"""Counting how often Redis is asked: what a page costs over a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis.connection import AbstractConnection


@contextmanager
def counted_trips() -> Iterator[list[int]]:
    """`[0]` is how many times a command, or a pipeline of them, was sent to Redis meanwhile."""
    trips = [0]
    send = AbstractConnection.send_packed_command

    def counted(self: AbstractConnection, *args: Any, **kwargs: Any) -> Any:
        trips[0] += 1
        return send(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AbstractConnection, "send_packed_command", counted)
        yield trips
