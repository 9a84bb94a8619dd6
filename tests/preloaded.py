"""Processes that start within a third of the time: forked by tests/preloader.py, with the interface of subprocess.Popen."""

from __future__ import annotations

import atexit
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent

PIPE_BYTES = 1 << 20
"""The most that Linux grants a pipe: 64 KB were filled by the errors of a worker on a slow machine."""


class Preloader:
    """The process that forks, started with the first that it is asked for."""

    def __init__(self) -> None:
        self.requests, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen([sys.executable, HERE / "preloader.py"], cwd=HERE.parent, stdin=theirs)
        self.lock = threading.Lock()
        atexit.register(self.close)

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], output: int) -> int:
        """Has a process forked that writes to `output`. Where its pid and its exit status can be read, each in a line."""
        read, write = os.pipe()
        line = json.dumps({"arguments": list(arguments), "environment": dict(environment)}).encode() + b"\n"
        with self.lock:
            sent = socket.send_fds(self.requests, [line], [output, write])
            self.requests.sendall(line[sent:])
        os.close(write)
        return read

    def close(self) -> None:
        self.requests.close()
        self.process.wait()


preloader = cache(Preloader)


class WorkerProcess:
    """`python *arguments` at the root of the repository, whose two outputs go to `log`, or to the pipe `stdout` where there is none."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: IO[str] | None) -> None:
        self.args, self.stdout, self.returncode = arguments, None, None
        if log:
            told = preloader().fork(arguments, environment, log.fileno())
        else:
            read, write = os.pipe()
            if sys.platform == "linux":
                fcntl.fcntl(read, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            self.stdout = os.fdopen(read)
            told = preloader().fork(arguments, environment, write)
            os.close(write)
        self._told = os.fdopen(told)
        self.pid = int(self._told.readline())

    def poll(self) -> int | None:
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        returncode = self._look(timeout)
        if returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return returncode

    def communicate(self, timeout: float) -> tuple[str, None]:
        """What it wrote, once its outputs are closed. Raises subprocess.TimeoutExpired."""
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.append(self.stdout.read()), daemon=True)
        reader.start()
        reader.join(timeout)
        if reader.is_alive():
            raise subprocess.TimeoutExpired(self.args, timeout)
        self.wait(timeout)
        return said[0], None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """To be called at its end."""
        self._told.close()
        if self.stdout:
            self.stdout.close()

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], timeout)[0]:
            self.returncode = int(self._told.readline())
        return self.returncode
