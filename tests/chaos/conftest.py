"""Real worker processes on the test database."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from queues import get_queue
from tests.processes import StartWorker, worker_processes


@pytest.fixture(autouse=True)
def empty_queues() -> None:
    get_queue("embeddings").connection.flushdb()


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


def database_url() -> str:
    """The test database as a URL, whether it is reached by a socket or by TCP."""
    facts = connection.settings_dict
    host = facts["OPTIONS"].get("host") or facts["HOST"]
    if str(host).startswith("/"):
        return f"postgresql://{facts['USER']}@/{facts['NAME']}?host={host}"
    password = f":{facts['PASSWORD']}" if facts["PASSWORD"] else ""
    return f"postgresql://{facts['USER']}{password}@{host}:{facts['PORT'] or 5432}/{facts['NAME']}"


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Starts `manage.py rqworker` on the tests' servers; whatever still runs is killed at the end."""
    with worker_processes({"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL}, Path(os.devnull)) as start:
        yield start
