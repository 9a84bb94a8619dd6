"""Where the embedded servers live: a pure function of the data folder, so that settings need not start anything."""

import hashlib
import os
import tempfile
from pathlib import Path

MAX_SOCKET_PATH = 100  # bytes; the kernel's limit is 108 and PostgreSQL appends .s.PGSQL.5432


def run_dir(data_dir: Path) -> Path:
    """The folder of both sockets: inside the data folder, or a short private one where that path is too long."""
    inside = data_dir.resolve() / "run"
    if len(os.fsencode(inside / ".s.PGSQL.5432")) <= MAX_SOCKET_PATH:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"theo-{os.getuid()}-{digest}"


def redis_url(data_dir: Path) -> str:
    return f"unix://{run_dir(data_dir) / 'redis.sock'}?db=0"


def database_url(data_dir: Path) -> str:
    return f"postgresql://theo@/theo?host={run_dir(data_dir)}"
