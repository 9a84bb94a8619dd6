"""Interrupting runs: deadlines and cancellations. An exception in the thread is best effort; what ignores it is written off."""

from __future__ import annotations

import ctypes
import logging
import time

from queues.exceptions import JobTimeout, QueuesError
from queues.worker.claims import Unit

log = logging.getLogger("queues.worker")

GRACE_SECONDS = 5.0


class Interrupted(BaseException):
    """The run is to end, for the reason that its unit names. No Exception, so that a handler's `except Exception` does not swallow it."""


def interrupt(unit: Unit, reason: QueuesError) -> None:
    """Raises Interrupted in the unit's thread, where it next runs Python code. Nothing happens to what has not begun, or is over."""
    with unit.lock:
        if unit.thread_id and not unit.is_over and not unit.interrupted_at:
            unit.interruption, unit.interrupted_at = reason, time.monotonic()
            _set_exception(unit, ctypes.py_object(Interrupted))


def is_written_off(unit: Unit) -> bool:
    """Interrupts a run past its deadline; true once, when it then ignored that for the grace period."""
    now = time.monotonic()
    if not unit.thread_id or now < unit.started_at + unit.timeout_seconds:
        return False
    if not unit.interrupted_at:
        interrupt(unit, JobTimeout(f"ran longer than its timeout of {unit.timeout_seconds:g} s"))
        return False
    with unit.lock:
        if unit.is_over or now < unit.interrupted_at + GRACE_SECONDS:
            return False
        unit.is_over = True
    log.error("A run of %s ignored its deadline of %g s; its thread is abandoned", unit.name, unit.timeout_seconds)
    return True


def withdraw_interrupt(unit: Unit) -> None:
    """Takes back an interrupt that was set and has not struck yet; call it with the unit's lock held."""
    if unit.interrupted_at:
        _set_exception(unit, None)


def _set_exception(unit: Unit, exception: ctypes.py_object[type[Interrupted]] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(unit.thread_id), exception)
