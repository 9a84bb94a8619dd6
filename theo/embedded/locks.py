"""Locks that the kernel drops when their holder dies, however it dies: no pid to compare, nothing stale to clean up."""

import os
import time
from pathlib import Path
from types import TracebackType

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from theo.embedded.exceptions import UnsupportedPlatform

POLL_SECONDS = 0.02


class FileLock:
    """One open of a lock file. A process forked from the holder holds it too, until all of them have closed it."""

    def __init__(self, path: Path) -> None:
        if fcntl is None:
            raise UnsupportedPlatform
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def share(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def exclusive(self, *, timeout_seconds: float) -> bool:
        deadline = time.monotonic() + timeout_seconds
        while not self.try_exclusive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def read(self) -> str:
        return os.pread(self.fd, 32, 0).decode(errors="replace").strip()

    def close(self) -> None:
        """Never an explicit unlock: that would take the lock from forked relatives as well."""
        os.close(self.fd)

    def __enter__(self) -> "FileLock":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
