"""A real worker, run until it has embedded what waits in its queue."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from embeddings.models import DirtyEntity
from embeddings.names import EMBEDDINGS
from embeddings.reconciling.reconciler import reconcile
from embeddings.reconciling.sweep import sweep_all
from theo.demo.processes import ManageProcess

LOOK_SECONDS = 0.25


class WorkerFailed(Exception):
    """The worker ended before everything was embedded."""


@dataclass(frozen=True, kw_only=True)
class Drained:
    entities: int
    parked: int
    seconds: float

    @property
    def entities_a_second(self) -> float:
        return self.entities / self.seconds if self.seconds else 0.0


def log_file() -> Path:
    return settings.THEO_DATA_DIR / "demo-worker.log"


def enqueue_what_was_lost() -> None:
    """Jobs for changes whose job is gone, as after a power cut: the demo need not wait for the workers' own sweep."""
    reconcile()
    sweep_all()


def count_owed() -> int:
    """Entities whose last change is not in the search index yet."""
    return DirtyEntity.objects.pending().count()


def drain(progress: Callable[[int], object] = lambda done: None) -> Drained:
    """Run a worker until its queue is empty, its start included. `progress` gets the number of entities done so far.

    Raises WorkerFailed.
    """
    owed, parked, started = count_owed(), DirtyEntity.objects.parked().count(), time.monotonic()
    with ManageProcess("rqworker", EMBEDDINGS, "--burst", log=log_file()) as worker:
        while worker.is_running:
            progress(max(0, owed - count_owed()))
            time.sleep(LOOK_SECONDS)
        if worker.exit_status != 0:
            raise WorkerFailed(worker.describe_end())
    parked = DirtyEntity.objects.parked().count() - parked
    done = owed - count_owed() - parked
    progress(done)
    return Drained(entities=done, parked=parked, seconds=time.monotonic() - started)
