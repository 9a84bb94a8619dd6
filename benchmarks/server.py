"""A private Redis for one benchmark, and the queue that all of them use."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from theo.embedded.redis import find_binary

QUEUE = "notifications"


@contextmanager
def private_redis() -> Iterator[None]:
    """Starts it, points the settings of the benchmarks at it, and sets Django up."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/redis.sock"
        options = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder]
        server = subprocess.Popen([find_binary(), *options], stdout=subprocess.DEVNULL)
        try:
            os.environ.update(REDIS_URL=f"unix://{socket}?db=0", DJANGO_SETTINGS_MODULE="benchmarks.settings", LOG_LEVEL="ERROR")
            while not Path(socket).exists():
                time.sleep(0.01)
            import django

            django.setup()
            yield
        finally:
            server.terminate()
            server.wait()


def server() -> Any:
    """The client of the queue's Redis, once Django is set up."""
    from queues import get_queue

    return get_queue(QUEUE).connection
