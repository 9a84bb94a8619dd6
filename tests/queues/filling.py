"""Jobs in every state, for tests that look at numbers while a test's transaction is open."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE, give_up, greet

Committed = Callable[..., AbstractContextManager[Any]]


def fill_queue(committed: Committed) -> None:
    """One waiting, one completed, one failed and one delayed job."""
    with committed(execute=True):
        greet.enqueue(name="Ann")
        give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    with committed(execute=True):
        greet.enqueue(name="Cleo")
        greet.using(delay=60).enqueue(name="Dan")
