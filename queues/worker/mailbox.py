"""What the worker's main thread waits on: ends of runs, rings of the bell, a request to stop."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field

from queues.worker.claims import Unit
from queues.worker.outcomes import Outcome


@dataclass(frozen=True, kw_only=True)
class Message:
    """`unit` and `seconds` are set at the end of a run, `rang` where new work may wait, `stop` on a signal, `paused` names a queue,
    `cancelled` a job."""

    unit: Unit | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    rang: bool = False
    stop: bool = False
    paused: str = ""
    cancelled: str = ""


class Mailbox:
    """A SimpleQueue, since its `put` may be called from a signal handler."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def put(self, message: Message) -> None:
        self._messages.put(message)

    def take(self, timeout_seconds: float) -> list[Message]:
        """All messages, after waiting at most so long for the first."""
        try:
            messages = [self._messages.get(timeout=max(0.0, timeout_seconds))]
        except queue.Empty:
            return []
        while True:
            try:
                messages.append(self._messages.get_nowait())
            except queue.Empty:
                return messages
