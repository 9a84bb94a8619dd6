"""A process that runs isolated jobs, as its worker holds it: spawned, called, killed.

A plain `subprocess` and a socket: multiprocessing's pools neither kill a single call with what it started nor survive a child's
death, its daemons may have no children, and it unpickles. Here nothing but JSON passes, and no wait of the worker is without an end.
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from queues.exceptions import JobProcessDied, JobTimeout, RetryLater
from queues.worker.claims import Unit
from queues.worker.wire import encode_call

log = logging.getLogger("queues.worker")

START_SECONDS = 60.0
"""How long a process may take to set Django up; no part of the job's own time."""
START_AGAIN_SECONDS = 10.0
"""The wait of a job whose process did not start."""
LEAVE_SECONDS = 2.0
"""How long an idle process may take to end by itself."""
LOOK_SECONDS = 0.5
LONGEST_SEND_SECONDS = 86400.0

PROGRAM = "import sys; sys.path[:] = sys.argv[3:]; from queues.worker.child_main import main; main(*map(int, sys.argv[1:3]))"


class Child:
    """One spawned process and the socket to it, in a session and process group of its own. Raises OSError where none can be had."""

    def __init__(self) -> None:
        self.runs = 0
        self._is_ready = self._is_killed = False
        self._lock = threading.Lock()
        self._unit: Unit | None = None
        self._reason: BaseException | None = None
        self._socket, theirs = socket.socketpair()
        watched, self._lifeline = os.pipe()
        try:
            self._process = _spawn(theirs.fileno(), watched)
        except OSError:
            self._socket.close()
            os.close(self._lifeline)
            raise
        finally:
            theirs.close()
            os.close(watched)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def run(self, unit: Unit) -> bytes:
        """The child's answer to the call.

        Raises JobTimeout, JobProcessDied, what `unit.kill` was given, and RetryLater where the process did not start, which is
        not the job's fault. After any of them the child is dead. The deadline counts from when the process is ready.
        """
        with self._lock:
            self._unit, self._reason = unit, None
        unit.kill = functools.partial(self._kill, unit)
        answer = b""
        try:
            answer = self._converse(unit)
        except (OSError, EOFError) as error:
            if self._reason is None:
                self._kill(unit, self._explain(unit, error))
        with self._lock:
            self._unit = None
            if self._reason is not None:
                raise self._reason
        return answer

    def stop(self, reason: BaseException) -> None:
        """Kills the child; a call under way ends with this reason."""
        if (unit := self._unit) is not None:
            self._kill(unit, reason)
        self._kill_group()

    def hang_up(self) -> None:
        """An idle child ends by itself then."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self, leave_seconds: float = LEAVE_SECONDS) -> None:
        """Hangs up; kills a child that does not leave in time, and in any case what it started. Once, by whom it belongs to."""
        self.hang_up()
        self.await_end(max(0.0, leave_seconds))
        self._kill_group()
        if not self.await_end(LEAVE_SECONDS):
            log.error("The process %d of isolated jobs was killed and is not gone", self._process.pid)
        self._socket.close()
        os.close(self._lifeline)

    def await_end(self, seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode is not None

    def _converse(self, unit: Unit) -> bytes:
        if not self._is_ready:
            self._receive(time.monotonic() + START_SECONDS)
            self._is_ready = True
        self.runs += 1
        unit.started_at = time.monotonic()
        self._socket.settimeout(min(unit.timeout_seconds, LONGEST_SEND_SECONDS))
        self._socket.sendall(encode_call(unit))
        return self._receive(unit.started_at + unit.timeout_seconds)

    def _receive(self, until: float) -> bytes:
        """A line. Raises TimeoutError, and EOFError at the child's end even if a process that it forked keeps the socket open."""
        line = bytearray()
        while not line.endswith(b"\n"):
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(min(left, LOOK_SECONDS))
            try:
                part = self._socket.recv(1 << 18)
            except TimeoutError:
                if not self.is_alive:
                    raise EOFError from None
                continue
            if not part:
                raise EOFError
            line += part
        return bytes(line)

    def _explain(self, unit: Unit, error: Exception) -> BaseException:
        if self._is_ready and isinstance(error, TimeoutError):
            return JobTimeout(f"ran longer than its timeout of {unit.timeout_seconds:g} s, so its process was killed")
        end = f"not ready after {START_SECONDS:g} s" if isinstance(error, TimeoutError) else self._describe_end()
        if self._is_ready:
            return JobProcessDied(f"the job's process died: {end}")
        log.error("The process for the isolated job %s did not start: %s", unit.name, end)
        return RetryLater(START_AGAIN_SECONDS, f"the job's process did not start: {end}")

    def _describe_end(self) -> str:
        if not self.await_end(1.0):
            return "it closed its socket"
        code = self._process.returncode
        try:
            return f"exit code {code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"exit code {code}"

    def _kill(self, unit: Unit, reason: BaseException) -> bool:
        """Whether this ended the unit's run: false once it is over or was killed for another reason."""
        with self._lock:
            if self._unit is not unit or self._reason is not None:
                return False
            self._reason = reason
        self._kill_group()
        return True

    def _kill_group(self) -> None:
        """Once: afterwards the number may be another's."""
        with self._lock:
            if self._is_killed:
                return
            self._is_killed = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _spawn(calls: int, lifeline: int) -> subprocess.Popen[bytes]:
    """The signals that the child ignores are blocked until it does, so that none of them meets it unprepared."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        return subprocess.Popen(  # noqa: S603  # ourselves, with numbers and our own path
            [sys.executable, "-u", "-c", PROGRAM, str(calls), str(lifeline), *sys.path],
            stdin=subprocess.DEVNULL,
            pass_fds=(calls, lifeline),
            start_new_session=True,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
