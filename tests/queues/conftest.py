import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import redis

from queues import get_queue
from tests.processes import StartWorker, worker_processes
from tests.queues.filling import Committed
from tests.queues.scheduling import scheduled  # noqa: F401
from tests.testapp.jobs import QUEUE, TRACE


@pytest.fixture(autouse=True)
def connection() -> redis.Redis:
    """The tests' Redis, empty at the start of each test."""
    client = get_queue(QUEUE).connection
    client.flushdb()
    return client


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Committed) -> Committed:
    """`with committed(execute=True):` publishes what is enqueued inside, as a commit does."""
    return django_capture_on_commit_callbacks


@pytest.fixture
def traces(connection: redis.Redis) -> Callable[[], list[str]]:
    """What the jobs of the test application noted, in order, without the times."""
    return lambda: [line.decode().split(" ", 1)[1] for line in connection.lrange(TRACE, 0, -1)]


@pytest.fixture
def times(connection: redis.Redis) -> Callable[[str], list[float]]:
    """The unix times at which a trace was noted."""
    return lambda text: [float(line.split(b" ")[0]) for line in connection.lrange(TRACE, 0, -1) if line.endswith(text.encode())]


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Starts `manage.py rqworker` as a process of its own; whatever still runs is killed at the end."""
    with worker_processes({}) as start:
        yield start


@pytest.fixture
def time_limit() -> Callable[[float], AbstractContextManager[None]]:
    """`with time_limit(2):` fails if its block takes longer, in seconds: for what is promised."""

    @contextmanager
    def limit(seconds: float) -> Iterator[None]:
        start = time.monotonic()
        yield
        assert time.monotonic() - start < seconds

    return limit
