"""Real servers in a folder of the test's own, used by real processes that a test can kill."""

import shutil
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


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PostgreSQL's folder with the database in it, made once and clean."""
    folder = tmp_path_factory.mktemp("cluster")
    first = User(folder, "Postgres")
    assert first.is_ready()
    assert first.leave() == ""
    return folder / "postgres"


@pytest.fixture
def made(cluster: Path, data_dir: Path) -> None:
    """The folder is not new: to make a cluster takes seconds."""
    data_dir.mkdir()
    shutil.copytree(cluster, data_dir / "postgres")


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
