"""What went wrong in the runs of a task, as Django's interface shows it."""

from __future__ import annotations

import sys

from queues.store.history import Attempt, Ending
from queues.tasks.interface import TaskError


class RecordedError(TaskError):
    """An error whose class is found only if this process has imported it: a name that stands in Redis imports nothing."""

    @property
    def exception_class(self) -> type[BaseException]:
        """Raises ValueError where the path names no exception of a module that is imported here."""
        module, _, name = self.exception_class_path.rpartition(".")
        found = getattr(sys.modules.get(module), name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
        raise ValueError(f"{self.exception_class_path!r} is no exception class that this process has imported.")


def error_of(run: Attempt) -> RecordedError | None:
    """None for a run that completed."""
    if run.ending is Ending.COMPLETED:
        return None
    return RecordedError(exception_class_path=run.error_path or "builtins.Exception", traceback=run.traceback)
