"""What the two embedded servers have in common: found by the lock that a living one holds, judged by its answers."""

import logging
import os
import signal
import time
from abc import ABC, abstractmethod
from pathlib import Path

from theo.embedded import process
from theo.embedded.exceptions import ServerFailed, ServerSilent
from theo.embedded.locks import POLL_SECONDS, FileLock
from theo.embedded.paths import run_dir, socket_dir

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 60  # the recovery of a large database after a crash takes its time
NOTICE_SECONDS = 3
LOST_SOCKET_SECONDS = 5
STOP_SECONDS = 30


class Server(ABC):
    """One private server of one data folder. Every method is called with the folder's start lock held."""

    name: str
    slug: str
    socket_name: str
    stop_signal: signal.Signals

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.folder = self.data_dir / self.slug
        self.log = self.data_dir / f"{self.slug}.log"
        self.socket_dir = socket_dir(data_dir)
        self._lock_path = self.data_dir / f"{self.slug}.lock"

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves requests now."""

    @abstractmethod
    def launch(self, lock: int) -> None:
        """Starts the server, which keeps the open file `lock`. Only called while none lives, so all that lies about is a dead one's."""

    def prepare(self) -> None:  # noqa: B027 - most servers are complete when they answer
        """Makes the answering server complete; must be safe to repeat."""

    def ensure(self) -> None:
        """Comes back with a server that answers, started if there is none."""
        while True:
            log_start = self.log.stat().st_size if self.log.exists() else 0
            launched = self._launch_if_dead()
            if self._wait_for_answer():
                return self.prepare()
            if launched:
                raise ServerFailed(server=self.name, reason=process.last_complaint(self.log, since=log_start), log=self.log)

    def is_alive(self) -> bool:
        with FileLock(self._lock_path) as lock:
            return not lock.try_exclusive()

    def stop(self) -> None:
        """Stops it if it lives, and waits for its end: what it still has to write belongs to this run."""
        if self.is_alive():
            self._signal(self.stop_signal)
            deadline = time.monotonic() + STOP_SECONDS
            while self.is_alive():
                if time.monotonic() > deadline:
                    return self._signal(signal.SIGKILL)
                time.sleep(POLL_SECONDS)

    def pid(self) -> int | None:
        """The pid that the living server has noted in its lock."""
        with FileLock(self._lock_path) as lock:
            text = lock.read()
        return int(text) if text.isdigit() else None

    def _launch_if_dead(self) -> bool:
        with FileLock(self._lock_path) as lock:
            if not lock.try_exclusive():
                return False
            self.launch(lock.fd)
            return True

    def _wait_for_answer(self) -> bool:
        """False when there is no living server (any more)."""
        started = time.monotonic()
        noticed = False
        while not self.answers():
            waited = time.monotonic() - started
            if not self.is_alive():
                return False
            if waited > LOST_SOCKET_SECONDS and not (run_dir(self.data_dir) / self.socket_name).exists():
                self.stop()  # its socket was deleted: nobody can reach it, now or later
            if waited > ANSWER_SECONDS:
                raise ServerSilent(server=self.name, pid=self.pid() or "?", seconds=ANSWER_SECONDS, log=self.log)
            if waited > NOTICE_SECONDS and not noticed:
                noticed = True
                logger.warning("%s is not ready yet, perhaps recovering from a crash; waiting up to %d seconds.", self.name, ANSWER_SECONDS)
            time.sleep(POLL_SECONDS)
        return True

    def _signal(self, number: signal.Signals) -> None:
        """Only to a process that names our folder: a killed PostgreSQL's children may hold its lock for longer than its pid is its own."""
        pid = self.pid()
        if pid is not None and str(self.folder) in process.command_line(pid):
            os.kill(pid, number)
