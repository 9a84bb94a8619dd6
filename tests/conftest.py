"""The servers that the tests run on: the embedded ones, unless DATABASE_URL and REDIS_URL name others."""

import gc
import signal
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from theo.embedded import EmbeddedError, ensure_servers

HERE = Path(__file__).parent
SLOW = ["chaos", "queues/worker", "theo/embedded", "theo/demo", "theo/test_command_line.py", "browser/test_every_page.py"]

pytest_plugins = ["queues.testing.fixtures", "embeddings.testing.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as of what a shell runs in the background: the processes of tests inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if getattr(config.option, "numprocesses", None):
        return  # this process only hands out tests
    try:
        ensure_servers()
    except EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error
    gc.disable()  # until the tests are collected: what that makes stays, and would be looked through again and again


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """A commit waits for no disk: nobody cuts the power of the tests' own databases, and most of what they do is commit."""
    with django_db_blocker.unblock():
        for database in connections.all():
            name = database.settings_dict["NAME"]
            if name.startswith("test_"):  # not that of an alias which no test of this session uses
                with database.cursor() as cursor:
                    cursor.execute(f"ALTER DATABASE {database.ops.quote_name(name)} SET synchronous_commit = off")
                database.close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser last: Playwright leaves an event loop running in the thread, beside which no other test could run its own.

    The slowest files first, in each part: where several processes take one file after the other, none is left alone with a long one
    at the end.
    """
    items.sort(key=lambda item: place_of(item.path))


@cache
def place_of(path: Path) -> tuple[bool, bool]:
    return path.is_relative_to(HERE / "browser"), not any(path.is_relative_to(HERE / place) for place in SLOW)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What tests print of half surrogate pairs could not travel between test processes."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "replace").decode()) for name, text in report.sections]
    return report
