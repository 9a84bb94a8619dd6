"""examples/minimal: its README, followed step by step against the tests' servers, with nothing of this repository but the two apps."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import connection

from tests.processes import ROOT, RedisServer

EXAMPLE = ROOT / "examples" / "minimal"
README = (EXAMPLE / "README.md").read_text()
DATABASE = "minimal_example"
STEPS = re.findall(r"^python manage\.py ([^\n]+?)(?: +#[^\n]*)?$|^```python\n(.*?)^```$", README, re.M | re.S)
"""In order: the arguments of a command, or a script."""
UNTIL_CTRL_C = "rqworker embeddings"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def server() -> dict[str, str]:
    """Where the tests' PostgreSQL is."""
    known = connection.get_connection_params()
    return {name: str(known[name]) for name in ("host", "port", "user", "password") if known.get(name)}


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A database of the example's own."""
    with psycopg.connect(**server(), dbname="postgres", autocommit=True) as administrator:
        for left_over in (DATABASE, f"test_{DATABASE}"):
            administrator.execute(f"DROP DATABASE IF EXISTS {left_over} WITH (FORCE)")
        administrator.execute(f"CREATE DATABASE {DATABASE}")
        yield f"postgresql:///{DATABASE}?{urlencode(server())}"
        administrator.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@pytest.fixture(scope="module")
def environment(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Where only the two apps can be imported, as if they were installed."""
    apps = tmp_path_factory.mktemp("apps")
    for name in ("queues", "embeddings"):
        (apps / name).symlink_to(ROOT / name)
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "SYSTEMROOT")}
    yield {**kept, "PYTHONPATH": f"{EXAMPLE}:{apps}", "DATABASE_URL": database_url, "REDIS_URL": redis.url}
    redis.close()


@pytest.fixture(scope="module")
def run(environment: Mapping[str, str]) -> Run:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *arguments], cwd=EXAMPLE, env=environment, capture_output=True, text=True, timeout=120)

    return run


def test_the_steps_of_the_readme_are_all_that_it_needs(run: Run, tmp_path: Path) -> None:
    done: dict[str, subprocess.CompletedProcess[str]] = {}
    for command, script in STEPS:
        if command == UNTIL_CTRL_C:
            continue
        (tmp_path / "try.py").write_text(script)
        step = run(str(tmp_path / "try.py")) if script else run("manage.py", *re.findall(r'[^\s"]+', command))
        assert step.returncode == 0, f"{command or script}\n{step.stdout}{step.stderr}"
        done[command.split()[0] if command else "script"] = step
    assert [*done] == ["migrate", "check", "script", "embeddings_status", "embeddings_search", "test"]
    assert re.fullmatch(r"0\.\d\d  The heart doctor\n", done["script"].stdout)
    assert "note" in done["embeddings_status"].stdout
    assert "The heart doctor" in done["embeddings_search"].stdout
    assert re.search(r"Ran 3 tests .*\n\nOK", done["test"].stderr)


def test_its_tables_are_migrated(run: Run) -> None:
    done = run("manage.py", "makemigrations", "--check", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_takes_nothing_from_this_repository_but_the_two_apps(run: Run) -> None:
    program = "import django; django.setup(); import notes.tests, sys; print(sorted({name.split('.')[0] for name in sys.modules}))"
    modules = run("-c", f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'; {program}").stdout
    assert "'queues'" in modules and "'embeddings'" in modules
    assert not re.search(r"'(theo|tests|environ)'", modules)


def test_its_embeddable_has_ten_lines() -> None:
    lines = (EXAMPLE / "notes" / "embeddables.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 10
