"""Both servers together: started by the first process that needs them, shared by all, stopped by the last."""

import atexit
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from theo.embedded.exceptions import StartIsBusy, UnusableFolder, UnusableLink
from theo.embedded.locks import FileLock
from theo.embedded.paths import run_dir, socket_dir
from theo.embedded.postgres import Postgres
from theo.embedded.redis import Redis
from theo.embedded.server import Server

START_SECONDS = 120
STOP_SECONDS = 10

_users: dict[Path, FileLock] = {}  # the folders this process uses, each with the lock that says so


def ensure_servers() -> None:
    """Starts what this process needs and what no URL names, and keeps it for the life of the process. Raises EmbeddedError."""
    if settings.THEO_EMBEDDED:
        needed = [server for variable, server in (("DATABASE_URL", Postgres), ("REDIS_URL", Redis)) if not os.environ.get(variable)]
        if needed:
            start(Path(settings.THEO_DATA_DIR), needed)


def start(data_dir: Path, needed: Sequence[type[Server]] = (Postgres, Redis)) -> None:
    """Comes back when the needed servers answer. Raises EmbeddedError."""
    data_dir = data_dir.resolve()
    try:
        _make_folders(data_dir)
        with FileLock(data_dir / "start.lock") as lock:
            if not lock.exclusive(timeout_seconds=START_SECONDS):
                raise StartIsBusy(folder=data_dir, seconds=START_SECONDS)
            _use(data_dir)
            for server in needed:
                server(data_dir).ensure()
    except OSError as error:
        raise UnusableFolder(folder=data_dir, reason=f"{error.strerror or error}: {error.filename or data_dir}") from error


def stop_if_last(data_dir: Path) -> None:
    """Gives the servers up, and stops both when nobody else uses them."""
    with FileLock(data_dir / "start.lock") as lock:
        # Whoever holds it for long is starting, so it is a user itself, and the last one's turn is not ours.
        if not lock.exclusive(timeout_seconds=STOP_SECONDS):
            return
        _users.pop(data_dir).close()
        with FileLock(data_dir / "users.lock") as users:  # opened anew: forked relatives of this process still hold the old one
            if users.try_exclusive():
                for server in (Redis(data_dir), Postgres(data_dir)):
                    server.stop()


def _use(data_dir: Path) -> None:
    if data_dir not in _users:
        users = FileLock(data_dir / "users.lock")
        users.share()  # cannot wait: it is only ever taken exclusively under the start lock
        _users[data_dir] = users
        atexit.register(_stop_at_exit, data_dir)


def _stop_at_exit(data_dir: Path) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not interrupt the stop
    if data_dir.exists():
        stop_if_last(data_dir)


def _make_folders(data_dir: Path) -> None:
    data_dir.mkdir(parents=True, exist_ok=True)
    inside, name = run_dir(data_dir), socket_dir(data_dir)
    inside.mkdir(mode=0o700, exist_ok=True)
    if name == inside:
        return
    if not name.is_symlink():
        name.symlink_to(inside)
    if name.lstat().st_uid != os.geteuid() or name.readlink() != inside:
        raise UnusableLink(link=name, target=inside)
