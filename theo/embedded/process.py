"""Starting the servers' programs, and the end of the log that says why one did not start."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

CHILD = Path(__file__).with_name("child.py")


def run(identity: str, *command: str, log: Path) -> bool:
    """Runs a program to its end; whether it said that all is well."""
    return _launch(["run", identity, "-", *command], log=log) == 0


def serve(identity: str, *command: str, log: Path, lock: int) -> None:
    """Sets a program free in a session of its own, where Ctrl-C does not reach it; it holds `lock` until it ends."""
    _launch(["serve", identity, str(lock), *command], log=log, pass_fds=(lock,))


def command_line(pid: int) -> str:
    """What the process was started with; empty for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        if Path("/proc/self").exists():
            return ""
    ps = ["ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout  # noqa: S603  # a number alone is not ours


def _launch(arguments: list[str], *, log: Path, pass_fds: Sequence[int] = ()) -> int:
    with _open_log(log) as output:
        return subprocess.run(  # noqa: S603  # the servers that were found, in folders of ours
            [sys.executable, "-I", "-S", str(CHILD), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env=_environment(),
            start_new_session=True,
            pass_fds=pass_fds,
            check=False,
        ).returncode


def _open_log(log: Path) -> IO[bytes]:
    if log.exists() and log.stat().st_size > 5_000_000:
        log.replace(log.with_suffix(".old.log"))
    return open_private(log)


def open_private(log: Path) -> IO[bytes]:
    """Goes on with the log, which nobody else may read: the errors of servers and workers quote rows."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def _environment() -> dict[str, str]:
    """Without the user's PG* variables, which the server would obey, and with messages in English."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))} | {"LC_ALL": "C"}


def last_complaint(log: Path, *, since: int = 0) -> str:
    """The last line of the log that says what is wrong, without date and pid."""
    with log.open("rb") as file:
        file.seek(since)
        lines = [line.strip() for line in file.read()[-20_000:].decode(errors="replace").splitlines() if line.strip()]
    complaints = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "rror"))] or lines
    if not complaints:
        return "it left no message"
    line = complaints[-1]
    for mark in ("FATAL:", "PANIC:", "error:", " # "):
        line = line.rpartition(mark)[2]
    return line.strip().rstrip(".")
