"""What RQ_QUEUES says of a queue, besides where it is."""

from __future__ import annotations

from queues.conf import settings
from queues.jobs.backoff import Backoff, Exponential, parse_backoff
from queues.jobs.options import Keep
from queues.store.connection import queue_config


class QueueOptions:
    """The entry of this name, and the settings where it says nothing. Raises UnknownQueue."""

    def __init__(self, name: str) -> None:
        self.config = queue_config(name)
        self.name = name

    @property
    def concurrency(self) -> int:
        """Jobs that one worker runs at a time."""
        return int(self.config.get("CONCURRENCY", settings.concurrency))

    @property
    def attempts(self) -> int:
        """Runs in all of a job that says nothing else."""
        return int(self.config.get("ATTEMPTS", settings.attempts))

    @property
    def backoff(self) -> Backoff:
        """The wait after a failure of a job that says nothing else."""
        return parse_backoff(self.config["BACKOFF"]) if "BACKOFF" in self.config else Exponential()

    @property
    def keep_completed(self) -> Keep:
        """How many completed jobs stay readable, where a job says nothing else."""
        return Keep.parse(self.config.get("KEEP_COMPLETED", settings.keep_completed))

    @property
    def keep_failed(self) -> Keep:
        """The same of dead letters."""
        return Keep.parse(self.config.get("KEEP_FAILED", settings.keep_failed))
