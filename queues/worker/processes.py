"""Several worker processes under one: each that dies is started again, a stop is passed on to all."""

from __future__ import annotations

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger("queues.worker")

LOOK_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""Whoever lived so long died of something new: it is started again at once."""


class Place:
    """One of the processes, whichever serves in it now."""

    def __init__(self, number: int, command: list[str]) -> None:
        self.number = number
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = self.due_at = 0.0
        self.failures = 0

    def start(self) -> None:
        """In a session of its own: Ctrl-C in a terminal would reach it twice, and a second signal means at once. Its standard input
        ends with this process, even if that is killed."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603  # ourselves
        self.started_at = time.monotonic()
        log.info("Worker %d is process %d", self.number, self.process.pid)

    def died(self, code: int) -> None:
        """Due again after 0, 1, 2, 4, ... up to 30 seconds."""
        self.close()
        lived = time.monotonic() - self.started_at
        self.failures = 0 if code == 0 or lived >= STEADY_SECONDS else self.failures + 1
        wait = min(2.0 ** (self.failures - 2), LONGEST_WAIT_SECONDS) if self.failures > 1 else 0.0
        self.due_at = time.monotonic() + wait
        log.log(logging.WARNING if code else logging.INFO, "Worker %d ended with code %d, another starts in %g s", self.number, code, wait)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None


class Processes:
    """So many processes of one command; `command(n)` gives the n-th's, from 1."""

    def __init__(self, count: int, command: Callable[[int], list[str]], *, ends_by_itself: bool) -> None:
        """With `ends_by_itself`, a process that ends with code 0 has done its work and is not replaced."""
        self.places = [Place(number, command(number)) for number in range(1, count + 1)]
        self.ends_by_itself = ends_by_itself
        self.is_stopping = False
        self.code = 0

    def run(self) -> int:
        """Until all have ended, by themselves or by a signal. Returns 0 if the last of each ended well."""
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self.stop)
        while self.places:
            for place in list(self.places):
                self._look(place)
            time.sleep(LOOK_SECONDS)
        return self.code

    def stop(self, signum: int = signal.SIGTERM, frame: FrameType | None = None) -> None:
        """Each signal that arrives goes on to every process, as SIGTERM."""
        self.is_stopping = True
        for place in self.places:
            place.stop()

    def _look(self, place: Place) -> None:
        if place.process is None:
            if self.is_stopping:
                self.places.remove(place)
            elif time.monotonic() >= place.due_at:
                place.start()
                if self.is_stopping:  # the signal came while it was being born
                    place.stop()
            return
        code = place.process.poll()
        if code is None:
            return
        if self.is_stopping or (code == 0 and self.ends_by_itself):
            place.close()
            self.places.remove(place)
            killed_before_it_could_listen = code == -signal.SIGTERM
            self.code = self.code or int(code != 0 and not killed_before_it_could_listen)
        else:
            place.died(code)
