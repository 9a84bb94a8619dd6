"""Processes that tests start: worker processes, and servers of a test's own that may be killed, stopped and started again."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import redis
from django.conf import settings
from django.db import connection

from tests.preloaded import WorkerProcess
from theo.embedded.paths import database_url
from theo.embedded.postgres import Postgres
from theo.embedded.redis import find_binary
from theo.embedded.servers import start as start_servers

ROOT = Path(__file__).resolve().parent.parent

StartWorker = Callable[..., WorkerProcess]


def wait_until(is_true: Callable[[], object], timeout_seconds: float = 60.0) -> None:
    """Waits for a condition that a process brings about. Raises AssertionError after the timeout, long enough for a busy machine."""
    deadline = time.monotonic() + timeout_seconds
    while not is_true():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def kill(process: subprocess.Popen[str] | WorkerProcess) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def worker_processes(environment: Mapping[str, str], log: Path | None = None) -> Iterator[StartWorker]:
    """`start(*arguments, **environment)` runs `manage.py rqworker`; whatever still runs is killed at the end.

    What a worker says goes to a pipe, or is appended to `log`: a pipe that nobody reads stops a worker that says more than it holds.
    """
    started: list[WorkerProcess] = []
    file = log.open("a") if log else None

    def start(*arguments: str, **more: str) -> WorkerProcess:
        variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment, **more}
        process = WorkerProcess(["manage.py", "rqworker", *arguments], variables, file)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            kill(process)
            process.close()
        if file:
            file.close()


def server_urls() -> dict[str, str]:
    """The environment of a process on the tests' own servers."""
    return {"DATABASE_URL": _database_url(), "REDIS_URL": settings.REDIS_URL}


def _database_url() -> str:
    """The test database as a URL, whether it is reached by a socket or by TCP."""
    facts = connection.settings_dict
    host = facts["OPTIONS"].get("host") or facts["HOST"]
    if str(host).startswith("/"):
        return f"postgresql://{facts['USER']}@/{facts['NAME']}?host={host}"
    password = f":{facts['PASSWORD']}" if facts["PASSWORD"] else ""
    return f"postgresql://{facts['USER']}{password}@{host}:{facts['PORT'] or 5432}/{facts['NAME']}"


def free_port() -> int:
    """Below those that the kernel gives to outgoing connections: one of these could take it before a server does."""
    while True:
        port = random.SystemRandom().randrange(20_000, 30_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class RedisServer:
    """A server on a free port, with append-only persistence: what it acknowledged survives `kill` and `start`."""

    def __init__(self, folder: Path, *options: str, port: int | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self.options = folder, options
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        self.start()

    def start(self) -> None:
        options = ["--appendonly", "yes", "--appendfsync", "always", "--save", "", "--dir", str(self.folder), *self.options]
        self.process = subprocess.Popen([find_binary(), "--port", str(self.port), *options], stdout=subprocess.DEVNULL, text=True)
        wait_until(self.answers)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def kill(self) -> None:
        kill(self.process)

    def hang(self) -> None:
        """From now on it accepts connections and answers nothing, until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        self.kill()


class PostgresServer:
    """A server with pgvector in a folder of its own. What it has committed survives `kill` and `start`."""

    def __init__(self, folder: Path) -> None:
        start_servers(folder, [Postgres])  # and stopped at the exit of this process, if nobody did before
        self.server = Postgres(folder)
        self.url = database_url(folder)

    def start(self) -> None:
        self.server.ensure()

    def restart(self) -> None:
        """As an administrator does: every session is ended, its transaction rolled back."""
        self.server.stop()
        self.start()

    def kill(self) -> None:
        """kill -9: its sessions' processes end when they notice."""
        pid = self.server.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.server.is_alive())

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def close(self) -> None:
        self.server.stop()
