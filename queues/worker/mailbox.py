"""What the worker's main thread waits on: ends of runs, rings of the bell, a request to stop."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import redis

from queues.store import keys
from queues.worker.claims import Unit
from queues.worker.outcomes import Outcome

BELL_SECONDS = 2


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


class Bell:
    """Waits on the wake-up markers of the queues that have room, in a thread and connection of its own."""

    def __init__(self, connection: redis.Redis, mailbox: Mailbox) -> None:
        self.connection = connection
        self.mailbox = mailbox
        self.names: tuple[str, ...] = ()
        self.wanted = threading.Event()
        self.is_stopped = False
        threading.Thread(target=self._work, name="bell", daemon=True).start()

    def listen(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        if self.names:
            self.wanted.set()
        else:
            self.wanted.clear()

    def stop(self) -> None:
        """The thread ends when its present wait does; a marker that it takes meanwhile it puts back."""
        self.is_stopped = True
        self.wanted.set()

    def _work(self) -> None:
        while not self.is_stopped:
            self.wanted.wait()
            names = self.names
            if not names:
                continue
            try:
                rang: Any = self.connection.blpop([keys.wake(name) for name in names], timeout=BELL_SECONDS)
            except redis.exceptions.RedisError:
                time.sleep(0.5)  # the main thread meets the same server and reports it
                continue
            if rang and self.is_stopped:
                self.connection.rpush(rang[0], 1)
            elif rang:
                self.mailbox.put(Message(rang=True))
        self.connection.close()
