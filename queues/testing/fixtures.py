"""The helpers as pytest fixtures: `pytest_plugins = ["queues.testing.fixtures"]` in the conftest.py at the root of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from queues import testing
from queues.jobs.job import Job


@pytest.fixture
def memory_queues() -> Iterator[None]:
    """All queues in memory for the test: see queues.testing.memory_queues."""
    with testing.memory_queues():
        yield


@pytest.fixture
def eager_jobs() -> Iterator[None]:
    """Enqueueing runs the job, and raises its error: see queues.testing.eager_jobs."""
    with testing.eager_jobs():
        yield


@pytest.fixture
def empty_queues() -> Iterator[None]:
    """The tests' own Redis without jobs, before the test and after it: see queues.testing.empty_queues."""
    testing.empty_queues()
    yield
    testing.empty_queues()


@pytest.fixture
def run_jobs() -> Callable[..., int]:
    """The function queues.testing.run_jobs."""
    return testing.run_jobs


@pytest.fixture
def enqueued_jobs() -> Callable[..., list[Job]]:
    """The function queues.testing.enqueued_jobs."""
    return testing.enqueued_jobs
