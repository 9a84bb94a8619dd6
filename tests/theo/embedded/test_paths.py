"""Where the sockets are, for every place that a project can lie in."""

import os
from collections.abc import Callable
from pathlib import Path

import environ
import pytest

from tests.theo.embedded.conftest import stop_servers
from tests.theo.embedded.users import User, living, postgres, redis_client
from theo.embedded.paths import MAX_SOCKET_PATH, POSTGRES_SOCKET, database_url, run_dir, socket_dir


def test_a_short_folder_holds_its_own_sockets(tmp_path: Path) -> None:
    assert socket_dir(Path("/srv/theo/.theo")) == Path("/srv/theo/.theo/run")


@pytest.mark.parametrize("folder", ["/" + "x" * 90, "/a,b", "/my projects", "/a=b"], ids=["long", "comma", "space", "equals"])
def test_a_folder_whose_name_cannot_be_an_address_has_a_short_link(folder: str) -> None:
    short = socket_dir(Path(folder))
    assert short != run_dir(Path(folder))
    assert len(os.fsencode(short / POSTGRES_SOCKET)) <= MAX_SOCKET_PATH


def test_special_characters_survive_the_url() -> None:
    folder = Path("/a-b/c#d%41?x&y;ü+z")
    assert environ.Env().db_url_config(database_url(folder))["OPTIONS"]["host"] == str(folder / "run")


@pytest.mark.parametrize("name", ["long " + "x" * 120, "a, %41 #ü", "a b=c"], ids=["long", "special", "split"])
def test_servers_start_below_any_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name / ".theo"
    user = User(folder, "Postgres Redis")
    try:
        assert user.is_ready()
        with postgres(folder) as connection, redis_client(folder) as client:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert client.client_list(), "which a worker reads at its start"
        assert user.leave() == ""
        assert living(folder) == []
    finally:
        user.kill()
        stop_servers(folder)
        socket_dir(folder).unlink()


def test_a_link_that_somebody_else_made_is_refused(data_dir: Path, user: Callable[..., User], tmp_path: Path) -> None:
    deep = data_dir / ("x" * 120)
    link = socket_dir(deep)
    link.symlink_to(tmp_path)
    try:
        other = User(deep, "Redis")
        assert f"{link} is not this project's link" in other.leave()
    finally:
        link.unlink()
