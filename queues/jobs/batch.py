"""A batch: up to `batch=` jobs of one name, handed to their function together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from queues.exceptions import JobCancelled
from queues.jobs.job import Job

P = TypeVar("P", bound=BaseModel)


class Item(Generic[P]):
    """One job of a batch: its payload as `data`, its view as `job`. Unmarked means completed."""

    def __init__(self, *, job: Job, data: P) -> None:
        self.job = job
        self.data = data
        self.error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        """Fails this item alone. `RetryLater` puts it back uncharged, `NonRetryable` ends it."""
        self.error = error

    def report_progress(self, progress: Any) -> None:
        """A percentage or any JSON, readable at once. Where the item's job was cancelled, the item fails with that."""
        try:
            self.job.report_progress(progress)
        except JobCancelled as error:
            self.fail(error)


class Batch(Generic[P]):
    """The items of one call of a batch handler. An exception raised by the handler applies to all unmarked items."""

    def __init__(self, items: Sequence[Item[P]]) -> None:
        self.items = list(items)

    def __iter__(self) -> Iterator[Item[P]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
