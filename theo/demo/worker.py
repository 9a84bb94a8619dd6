"""A real worker, run until it has embedded what waits in its queue."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from queues import get_queue_stats
from theo.demo.processes import ManageProcess

QUEUE = "embeddings"
LOOK_SECONDS = 0.25


class WorkerFailed(Exception):
    """The worker ended before its queue was empty."""


@dataclass(frozen=True, kw_only=True)
class Drained:
    jobs: int
    dead: int
    seconds: float

    @property
    def jobs_a_second(self) -> float:
        return self.jobs / self.seconds if self.seconds else 0.0


def log_file() -> Path:
    return settings.THEO_DATA_DIR / "demo-worker.log"


def count_owed() -> int:
    """Jobs that are not done yet."""
    stats = get_queue_stats(QUEUE)
    return stats.waiting + stats.active + stats.delayed


def drain(progress: Callable[[int], object] = lambda done: None) -> Drained:
    """Run a worker until the queue is empty, its start included. `progress` gets the number of jobs done so far.

    Raises WorkerFailed.
    """
    owed, dead_before, started = count_owed(), get_queue_stats(QUEUE).failed, time.monotonic()
    with ManageProcess("rqworker", QUEUE, "--burst", log=log_file()) as worker:
        while worker.is_running:
            progress(max(0, owed - count_owed()))
            time.sleep(LOOK_SECONDS)
        if worker.exit_status != 0:
            raise WorkerFailed(worker.describe_end())
    progress(owed - count_owed())
    dead = max(0, get_queue_stats(QUEUE).failed - dead_before)
    return Drained(jobs=owed - count_owed(), dead=dead, seconds=time.monotonic() - started)
