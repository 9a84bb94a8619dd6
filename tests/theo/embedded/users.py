"""Processes that use the embedded servers, and what can be seen of the servers from outside."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from theo.embedded.paths import database_url, redis_url
from theo.embedded.postgres import Postgres
from theo.embedded.redis import Redis

SCRIPT = """
import sys
from pathlib import Path
from theo.embedded import server, servers
from theo.embedded.exceptions import EmbeddedError
from theo.embedded.postgres import Postgres
from theo.embedded.redis import Redis

folder, names, server.ANSWER_SECONDS, server.LOST_SOCKET_SECONDS = Path(sys.argv[1]), sys.argv[2].split(), float(sys.argv[3]), 0.5
try:
    servers.start(folder, [{"Postgres": Postgres, "Redis": Redis}[name] for name in names])
except EmbeddedError as error:
    sys.exit(str(error))
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.read()
"""


class User:
    """A process that uses the servers of a folder until it is told to leave, or is killed."""

    def __init__(self, data_dir: Path, servers: str, *, answer_seconds: float = 30, script: str = SCRIPT, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(data_dir), servers, str(answer_seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def is_ready(self) -> bool:
        """Waits until the servers answer; False when they never will."""
        assert self.process.stdout is not None
        return self.process.stdout.readline() == "ready\n"

    def leave(self) -> str:
        """Waits for a clean end; what it wrote to the error stream."""
        return self.process.communicate(timeout=60)[1].strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def postgres(data_dir: Path) -> psycopg.Connection:
    """A connection by the URL that the settings use."""
    return psycopg.connect(_as_libpq(database_url(data_dir)), autocommit=True)


def redis_client(data_dir: Path) -> "redis.Redis":
    return redis.Redis.from_url(redis_url(data_dir), retry=Retry(NoBackoff(), 0))


def server_pids(data_dir: Path) -> tuple[int, int]:
    """The pids of both servers, as they themselves say."""
    with postgres(data_dir) as connection, redis_client(data_dir) as client:
        folder = connection.execute("SHOW data_directory").fetchone()
        assert folder is not None
        return int(Path(folder[0], "postmaster.pid").read_text().split()[0]), int(client.info("server")["process_id"])


def kill_servers(data_dir: Path) -> None:
    for pid in server_pids(data_dir):
        os.kill(pid, signal.SIGKILL)


def living(data_dir: Path) -> list[str]:
    return [server.slug for server in (Postgres(data_dir), Redis(data_dir)) if server.is_alive()]


def _as_libpq(url: str) -> str:
    return url.replace("@:5432/", "@/").replace("?", "?port=5432&", 1)
