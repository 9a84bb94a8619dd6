"""How often Redis is asked: what goes out in one write is one round trip, however many commands it holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from redis.connection import AbstractConnection


@contextmanager
def round_trips() -> Iterator[list[int]]:
    """Gathers, for each time that something was sent meanwhile, how many bytes it was."""
    trips: list[int] = []
    send = AbstractConnection.send_packed_command

    def counted(connection: AbstractConnection, command, check_health: bool = True) -> None:
        trips.append(len(command) if isinstance(command, (bytes, str)) else sum(len(part) for part in command))
        send(connection, command, check_health)

    with patch.object(AbstractConnection, "send_packed_command", counted):
        yield trips
