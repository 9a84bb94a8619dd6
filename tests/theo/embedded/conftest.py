"""Real servers in a folder of the test's own, used by real processes that a test can kill."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.theo.embedded.users import User
from theo.embedded.postgres import Postgres
from theo.embedded.redis import Redis


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / ".theo"
    yield folder
    stop_servers(folder)


def stop_servers(folder: Path) -> None:
    if folder.is_dir():
        for server in (Postgres(folder), Redis(folder)):
            server.stop()


@pytest.fixture
def user(data_dir: Path) -> Iterator[Callable[..., User]]:
    """Starts one more process that uses the servers."""
    users: list[User] = []

    def start(servers: str = "Postgres Redis", **options: object) -> User:
        users.append(User(data_dir, servers, **options))
        return users[-1]

    yield start
    for other in users:
        other.kill()
