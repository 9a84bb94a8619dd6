"""The process that runs isolated jobs, one call at a time, until its worker hangs up or is gone."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import threading
from contextlib import suppress

import django
from django.db import close_old_connections

from queues.worker.claims import Unit
from queues.worker.outcomes import Outcome, failed
from queues.worker.runner import run
from queues.worker.wire import decode_call, encode_outcomes

READY = b"ready\n"


def main(calls: int, lifeline: int) -> None:
    """Answers each line of the socket `calls`; `lifeline` is a pipe whose other end closes when the worker is gone, however it ended."""
    for descriptor in (calls, lifeline):
        os.set_inheritable(descriptor, False)
    _obey_the_worker_alone()
    _end_with_the_worker(lifeline)
    django.setup()
    with socket.socket(fileno=calls) as connection, suppress(ConnectionError):  # the worker hung up before it had its answer
        connection.sendall(READY)
        for line in connection.makefile("rb"):
            connection.sendall(_answer(line))


def _answer(line: bytes) -> bytes:
    unit = decode_call(line)
    close_old_connections()
    try:
        outcomes = run_in_the_child(unit)
    except BaseException as error:
        outcomes = [failed(claim, error) for claim in unit.claims]
    finally:
        close_old_connections()
    sys.stdout.flush()
    sys.stderr.flush()
    return encode_outcomes(unit, outcomes)


def run_in_the_child(unit: Unit) -> list[Outcome]:
    """Runs the call as a thread of the worker would: what belongs around a run in this process is entered here."""
    return run(unit)


def _obey_the_worker_alone() -> None:
    """A Ctrl-C or a service manager's SIGTERM is for the worker, which may let the job finish.

    Handlers that do nothing rather than SIG_IGN, which programs that a job starts would inherit. Both signals were blocked until here.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, frame: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})


def _end_with_the_worker(lifeline: int) -> None:
    """Kills this process and what it started once the worker is gone, even while C code holds the interpreter.

    Linux does it itself: a descriptor with O_ASYNC sends F_SETSIG's signal to F_SETOWN's process group when the other end
    closes (fcntl(2)). The thread does it elsewhere, and where the worker went before this was asked for.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_await_the_end, args=(lifeline,), name="lifeline", daemon=True).start()


def _await_the_end(lifeline: int) -> None:
    os.read(lifeline, 1)
    os.killpg(os.getpid(), signal.SIGKILL)
