"""What rings when new work may wait: a thread that waits on the wake-up markers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import redis

from queues.store import keys
from queues.worker.mailbox import Mailbox, Message

BELL_SECONDS = 2


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
