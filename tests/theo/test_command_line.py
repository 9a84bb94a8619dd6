"""`manage.py` as a person uses it: in a process of its own, with an environment of its own."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import ProgrammingError, connection, transaction

from theo.command_line import explain
from theo.embedded.postgres import Postgres
from theo.embedded.redis import Redis

ROOT = Path(__file__).resolve().parent.parent.parent
NOT_THERE = {"DATABASE_URL": "postgresql://theo@127.0.0.1:1/theo", "REDIS_URL": "redis://127.0.0.1:1/0"}
Manage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def manage(tmp_path: Path) -> Iterator[Manage]:
    data_dir = tmp_path / ".theo"

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name not in ("DJANGO_SETTINGS_MODULE", "THEO_EMBEDDED")}
        # Set rather than left out: what is set, a developer's .env does not change.
        environment |= {"DEBUG": "0", "DATABASE_URL": "", "REDIS_URL": "", "THEO_DATA_DIR": str(data_dir), **variables}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    yield run
    if data_dir.exists():
        for server in (Postgres(data_dir), Redis(data_dir)):
            server.stop()


def started(tmp_path: Path) -> list[str]:
    return sorted(path.stem for path in (tmp_path / ".theo").glob("*.log"))


def test_an_unset_url_without_debug_is_an_error_and_starts_nothing(manage: Manage, tmp_path: Path) -> None:
    result = manage("shell", "-c", "pass")
    assert result.returncode == 1
    assert result.stderr.startswith("REDIS_URL is not set.") and len(result.stderr.splitlines()) == 1
    assert started(tmp_path) == []


def test_an_unset_secret_key_without_debug_is_one_sentence(manage: Manage) -> None:
    result = manage("check", SECRET_KEY="", **NOT_THERE)
    assert result.returncode == 1
    assert result.stderr.startswith("SECRET_KEY is not set.") and len(result.stderr.splitlines()) == 1


def test_both_servers_are_there_for_a_command(manage: Manage, tmp_path: Path) -> None:
    ask = (
        "from django.db import connection; connection.ensure_connection(); import django_rq; django_rq.get_connection('embeddings').ping()"
    )
    result = manage("shell", "-c", ask, DEBUG="1")
    assert (result.returncode, result.stderr) == (0, "")
    assert started(tmp_path) == ["postgres", "redis"]


@pytest.mark.parametrize(("given", "other"), [("DATABASE_URL", "redis"), ("REDIS_URL", "postgres")])
def test_a_given_url_starts_only_the_other_server(manage: Manage, tmp_path: Path, given: str, other: str) -> None:
    assert manage("shell", "-c", "pass", THEO_EMBEDDED="1", SECRET_KEY="x", **{given: NOT_THERE[given]}).returncode == 0
    assert started(tmp_path) == [other]


def test_help_starts_nothing(manage: Manage, tmp_path: Path) -> None:
    assert manage("help", DEBUG="1").returncode == 0
    assert manage("migrate", "--help", DEBUG="1").returncode == 0
    assert started(tmp_path) == []


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ("DATABASE_URL", "from django.db import connection; connection.ensure_connection()"),
        ("REDIS_URL", "import django_rq; django_rq.get_connection('embeddings').ping()"),
    ],
)
def test_an_unreachable_server_is_one_sentence_that_names_its_setting(manage: Manage, variable: str, code: str) -> None:
    result = manage("shell", "-c", code, SECRET_KEY="x", **NOT_THERE)
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and f"Check {variable}." in result.stderr


@pytest.mark.django_db
def test_what_a_role_may_not_do_is_one_sentence() -> None:
    with pytest.raises(ProgrammingError) as raised, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE pg_monitor")
        cursor.execute("CREATE SCHEMA forbidden")
    sentence = explain(raised.value)
    assert sentence and sentence.startswith("PostgreSQL refuses: permission denied")
    assert sentence.endswith("give the role of DATABASE_URL the right.")


def test_a_traceback_is_shown_when_asked_for(manage: Manage) -> None:
    result = manage("migrate", "--traceback", SECRET_KEY="x", **NOT_THERE)
    assert result.returncode == 1 and "Traceback" in result.stderr


def test_a_database_of_another_kind_is_one_sentence(manage: Manage) -> None:
    result = manage("check", SECRET_KEY="x", **NOT_THERE | {"DATABASE_URL": "mysql://127.0.0.1/theo"})
    assert (result.returncode, result.stderr) == (1, "DATABASE_URL must begin with postgresql://.\n")


def test_a_redis_url_of_another_kind_is_one_sentence(manage: Manage) -> None:
    ask = "import django_rq; django_rq.get_connection('embeddings')"
    result = manage("shell", "-c", ask, SECRET_KEY="x", **NOT_THERE | {"REDIS_URL": "localhost:6379"})
    assert result.returncode == 1
    assert result.stderr.startswith("REDIS_URL is wrong: ") and len(result.stderr.splitlines()) == 1


def test_the_demo_needs_no_settings_at_all(tmp_path: Path) -> None:
    """The main job as a newcomer's first command: servers, data, worker, searches."""
    named = ("DJANGO_SETTINGS_MODULE", "DEBUG", "THEO_EMBEDDED", "DATABASE_URL", "REDIS_URL", "SECRET_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in named}
    environment["THEO_DATA_DIR"] = str(tmp_path / ".theo")
    result = subprocess.run(
        [sys.executable, "manage.py", "demo", "--once"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "Dr. Eva Nagy" in result.stdout and "Trattoria Nonna Lucia" in result.stdout
    assert "Traceback" not in result.stderr


def test_a_database_that_accepts_and_says_nothing_is_given_up_in_time(manage: Manage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://theo@127.0.0.1:{silent.getsockname()[1]}/theo"
        ask = "from django.db import connection as c; print(c.settings_dict['OPTIONS']['connect_timeout']); c.ensure_connection()"
        result = manage("shell", "-c", ask, SECRET_KEY="x", **NOT_THERE | {"DATABASE_URL": f"{url}?connect_timeout=2"})
        assert (result.returncode, result.stdout.splitlines()[-1]) == (1, "2"), "what the URL says goes before the default"
        assert len(result.stderr.splitlines()) == 1 and "Check DATABASE_URL." in result.stderr
        tell = "from django.conf import settings; print(settings.DATABASES['default']['OPTIONS']['connect_timeout'])"
        assert manage("shell", "-c", tell, SECRET_KEY="x", **NOT_THERE).stdout.splitlines()[-1] == "10"


def test_ctrl_c_ends_a_command_without_a_traceback(manage: Manage) -> None:
    interrupt = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)"
    result = manage("shell", "-v", "0", "-c", interrupt, SECRET_KEY="x", **NOT_THERE)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")
