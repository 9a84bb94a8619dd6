"""Where the embedded servers live: pure functions of the data folder, so that settings need not start anything."""

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote

DATABASE = "theo"
ROLE = "theo"
PORT = 5432  # only a part of the socket's name: nothing listens on TCP
POSTGRES_SOCKET = f".s.PGSQL.{PORT}"
REDIS_SOCKET = "redis.sock"
MISREAD = re.compile(r"[\s,=]")
MAX_SOCKET_PATH = 100  # bytes; the kernel's limit is 108, macOS' 104


def run_dir(data_dir: Path) -> Path:
    """The folder that both sockets are in."""
    return data_dir.resolve() / "run"


def socket_dir(data_dir: Path) -> Path:
    """The name under which `run_dir` is spoken to: itself, or a short link to it where its own name cannot be an address.

    Too long for the kernel; with a comma, which PostgreSQL's client reads as a list of hosts; with a space or `=`, at which redis-py splits
    what Redis says of a client.
    The link is always in /tmp: what TMPDIR says differs between a terminal, cron and a service, and all of them must agree.
    """
    inside = run_dir(data_dir)
    if len(os.fsencode(inside / POSTGRES_SOCKET)) <= MAX_SOCKET_PATH and not MISREAD.search(str(inside)):
        return inside
    digest = hashlib.sha256(os.fsencode(inside)).hexdigest()[:12]
    return Path("/tmp") / f"theo-{os.getuid()}-{digest}"  # noqa: S108  # one that is not ours is refused: see UnusableLink


def redis_url(data_dir: Path) -> str:
    """The embedded Redis as redis-py reads it."""
    return f"unix://{quote(str(socket_dir(data_dir) / REDIS_SOCKET))}?db=0"


def database_url(data_dir: Path) -> str:
    """The embedded PostgreSQL as django-environ reads it."""
    return f"postgresql://{ROLE}@:{PORT}/{DATABASE}?host={quote(str(socket_dir(data_dir)))}"
