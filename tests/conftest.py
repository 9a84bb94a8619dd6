"""The servers that the tests run on: the embedded ones, unless DATABASE_URL and REDIS_URL name others."""

from collections.abc import Generator

import pytest

from theo.embedded import EmbeddedError, ensure_servers

pytest_plugins = ["queues.testing.fixtures", "embeddings.testing.fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None):
        return  # this process only hands out tests
    try:
        ensure_servers()
    except EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What tests print of half surrogate pairs could not travel between test processes."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "replace").decode()) for name, text in report.sections]
    return report
