"""Real worker processes on the test database."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from embeddings.testing.openai_server import OpenAIServer
from queues import get_queue
from tests.chaos.installation import Installation, Servers, installation, openai
from tests.processes import StartWorker, server_urls, worker_processes


@pytest.fixture(autouse=True)
def empty_queues() -> None:
    get_queue("embeddings").connection.flushdb()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Servers]:
    with django_db_blocker.unblock():
        servers = Servers(tmp_path_factory.mktemp("servers"))
    yield servers
    servers.close()


@pytest.fixture
def home(servers: Servers, tmp_path: Path, django_db_blocker: Any) -> Iterator[Installation]:
    """An installation of the test's own, without workers so far."""
    log = tmp_path / "workers.log"
    with django_db_blocker.unblock(), installation(servers, log) as home:
        yield home
    print(log.read_text()[-20_000:])  # noqa: T201  # pytest shows it where the test failed


@pytest.fixture
def provider() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def provider_environment(home: Installation, provider: OpenAIServer) -> Iterator[dict[str, str]]:
    with openai(provider) as environment:
        yield environment


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Starts `manage.py rqworker` on the tests' servers; whatever still runs is killed at the end."""
    with worker_processes(server_urls(), Path(os.devnull)) as start:
        yield start
