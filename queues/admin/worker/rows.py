"""What the pages of the workers say about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from queues.admin.words import NOTHING
from queues.control import get_fleet
from queues.exceptions import UnknownWorker
from queues.store.fleet import Fleet, Run
from queues.store.queue import queue_names
from queues.store.workers import WorkerInfo

SHOWN = 3
"""Running jobs of one worker in the list; its own page has them all."""


@dataclass(frozen=True, kw_only=True)
class WorkerRow:
    """A worker and what it runs, the longest first."""

    worker: WorkerInfo
    runs: Sequence[Run] = ()

    @property
    def state(self) -> str:
        """In words, the most urgent first."""
        worker = self.worker
        words = [_("no heartbeat")] if worker.is_stale else []
        if worker.is_paused:
            words.append(_("paused"))
        elif worker.paused:
            words.append(_("paused for %(queues)s") % {"queues": ", ".join(worker.paused)})
        states = {"busy": _("busy"), "idle": _("idle"), "started": _("starting"), "suspended": _("suspended")}
        state = "busy" if self.runs else "idle" if worker.state == "busy" else worker.state  # what it runs is newer than its heartbeat
        return ", ".join(filter(None, [*words, states.get(state, state)]))

    @property
    def memory(self) -> str:
        """What it takes now and the most ever, as far as its system says."""
        now, peak = self.worker.memory_bytes, self.worker.peak_memory_bytes
        if peak is None:
            return filesizeformat(now) if now else NOTHING
        most = _("at most %(size)s") % {"size": filesizeformat(peak)}
        return f"{filesizeformat(now)}, {most}" if now else most

    @property
    def shown(self) -> Sequence[Run]:
        return self.runs[:SHOWN]

    @property
    def more(self) -> int:
        """How many running jobs are not among them."""
        return len(self.runs) - len(self.shown)


def rows_of(fleet: Fleet) -> list[WorkerRow]:
    """All workers by name."""
    return [WorkerRow(worker=worker, runs=fleet.runs.get(worker.name, ())) for worker in fleet.workers]


def read_row(name: str) -> WorkerRow:
    """The worker of exactly this name: a queue may have it too. Raises UnknownWorker, RedisUnavailable."""
    found = next((row for row in rows_of(get_fleet()) if row.worker.name == name), None)
    if found is None:
        raise UnknownWorker(_("No worker is called %(name)s: it has ended, or has not been heard for long.") % {"name": name})
    return found


def unserved(rows: Sequence[WorkerRow]) -> list[str]:
    """The queues that no worker serves."""
    served = {queue for row in rows for queue in row.worker.queues}
    return [name for name in queue_names() if name not in served]
