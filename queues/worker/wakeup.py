"""Waking the main thread for a signal that another thread received.

Python runs signal handlers in the main thread alone, but the kernel may interrupt any thread: a main thread that waits would not
hear of it before its wait is over. See signal.set_wakeup_fd.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from queues.worker.mailbox import Mailbox, Message


@contextmanager
def woken_by_signals(mailbox: Mailbox) -> Iterator[None]:
    """Puts an empty message for every signal, so that its handler runs at once. For the main thread; elsewhere nothing happens."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_pass_on, args=(ours, mailbox), name="wakeup", daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()


def _pass_on(ours: socket.socket, mailbox: Mailbox) -> None:
    with ours:
        while ours.recv(64):
            mailbox.put(Message())
