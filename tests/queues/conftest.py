import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from queues import get_queue
from tests.testapp.jobs import QUEUE, TRACE

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def connection() -> redis.Redis:
    """The tests' Redis, empty at the start of each test."""
    client = get_queue(QUEUE).connection
    client.flushdb()
    return client


@pytest.fixture
def traces(connection: redis.Redis) -> Callable[[], list[str]]:
    """What the jobs of the test application noted, in order, without the times."""
    return lambda: [line.decode().split(" ", 1)[1] for line in connection.lrange(TRACE, 0, -1)]


@pytest.fixture
def times(connection: redis.Redis) -> Callable[[str], list[float]]:
    """The unix times at which a trace was noted."""
    return lambda text: [float(line.split(b" ")[0]) for line in connection.lrange(TRACE, 0, -1) if line.endswith(text.encode())]


@pytest.fixture
def start_worker() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts `manage.py rqworker` as a process of its own; whatever still runs is killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "rqworker", *arguments],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def wait_until(is_true: Callable[[], object], timeout_seconds: float = 15.0) -> None:
    """Waits for a condition that a process brings about. Raises AssertionError after the timeout."""
    deadline = time.monotonic() + timeout_seconds
    while not is_true():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)
