"""What a database transaction publishes: its jobs leave on its commit, all in one call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from queues import signals
from queues.exceptions import JobIdTaken, QueuesError
from queues.jobs.job import Job
from queues.store import new_jobs
from queues.store.new_jobs import NewJob

log = logging.getLogger("queues")


def provisional_jobs() -> list[Job]:
    """The jobs that leave when the open transactions of this thread commit, in the order of their adding."""
    hooks = [hook[1] for connection in connections.all(initialized_only=True) for hook in connection.run_on_commit]
    return [item.job for hook in hooks for item in _handovers.get(hook, ())]


_handovers: WeakKeyDictionary[Callable[..., Any], list[NewJob]] = WeakKeyDictionary()
"""The jobs that each commit hook will hand over, until it has."""


class Publication:
    """What one transaction will publish.

    Every group of jobs is handed over by a commit hook that belongs to its savepoint, so that a rolled-back savepoint
    drops only its own. A flush behind each group belongs to no savepoint; only the last one registered sends.
    `is_robust` hooks fail no request, whatever happens.
    """

    is_robust: ClassVar[bool] = True

    def __init__(self) -> None:
        self.committed: list[NewJob] = []
        self.flush: Callable[[], None] | None = None

    @classmethod
    def of(cls, connection: BaseDatabaseWrapper) -> Publication:
        """The open transaction's. A commit hook that opens a transaction of its own gets another: its hooks run apart."""
        publication: Publication | None = getattr(connection, "_queues_publication", None)
        if publication is None or not any(hook[1] is publication.flush for hook in reversed(connection.run_on_commit)):
            publication = connection._queues_publication = cls()  # type: ignore[attr-defined]
        return publication

    def add(self, connection: BaseDatabaseWrapper, new: list[NewJob]) -> None:
        def hand_over() -> None:
            self.committed += _handovers.pop(hand_over, [])

        _handovers[hand_over] = new
        connection.on_commit(hand_over, robust=True)
        self.flush = flush = self._flush_once()
        connection.run_on_commit.append((set(), flush, self.is_robust))  # type: ignore[arg-type]  # the stubs lack `robust`

    def _flush_once(self) -> Callable[[], None]:
        def flush() -> None:
            if self.flush is flush:
                jobs, self.committed = self.committed, []
                if jobs:
                    _publish(jobs)

        return flush


def _publish(new: list[NewJob]) -> None:
    try:
        new_jobs.send(new)
    except JobIdTaken as error:
        _report(error.jobs, error)
    except QueuesError as error:
        _report([item.job for item in new], error)


def _report(jobs: list[Job], error: QueuesError) -> None:
    names = ", ".join(sorted({job.name for job in jobs}))
    log.error("%d committed jobs (%s) did not reach Redis: %s", len(jobs), names, error)
    signals.publish_failed.send_robust(sender=Job, jobs=jobs, error=error)
