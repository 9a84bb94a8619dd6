from collections.abc import Iterator
from typing import Any

import pytest

from queues.tasks.interface import task_enqueued, task_finished, task_started


@pytest.fixture
def announced() -> Iterator[list[str]]:
    """The ids of the tasks for which `task_enqueued` was sent."""
    ids: list[str] = []

    def receiver(task_result: Any, **kwargs: Any) -> None:
        ids.append(task_result.id)

    task_enqueued.connect(receiver)
    yield ids
    task_enqueued.disconnect(receiver)


@pytest.fixture
def sent() -> Iterator[list[tuple[str, Any]]]:
    """(signal, result) of the signals that running sends."""
    seen: list[tuple[str, Any]] = []

    def started(sender: type, task_result: Any, **kwargs: Any) -> None:
        seen.append((f"started by {sender.__name__}", task_result))

    def finished(sender: type, task_result: Any, **kwargs: Any) -> None:
        seen.append((f"finished by {sender.__name__}", task_result))

    task_started.connect(started)
    task_finished.connect(finished)
    yield seen
    task_started.disconnect(started)
    task_finished.disconnect(finished)
