"""Acting on very many jobs of a state."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.utils import timezone

from queues.jobs.job import Job
from queues.jobs.running import current_job, report_progress
from queues.jobs.states import State
from queues.operations import left_to_a_job
from queues.operations.selection import ACTIONS, Selection
from queues.store.connection import patiently
from queues.store.finding.filters import Filter
from queues.store.queue import get_queue
from queues.store.slices import SLICE

BULK_JOBS = "bulk-jobs"


class BulkJobs(left_to_a_job.Asked):
    """What to do with which jobs; `until` is when it was asked for, and what came later is not meant."""

    action: Literal["retry", "promote", "cancel", "remove"]
    queue: str
    state: State
    name: str = ""
    owner: str = ""
    error_class: str = ""
    text: str = ""
    until: datetime | None = None

    @property
    def selection(self) -> Selection:
        """Raises UnknownQueue."""
        wanted = Filter(name=self.name or None, owner=self.owner or None, error_class=self.error_class or None, text=self.text or None)
        return Selection(queue=get_queue(self.queue), state=self.state, wanted=wanted)


def enqueue(action: str, selection: Selection, *, user_id: str, user_name: str) -> Job:
    """Leaves it to the job, and returns that. Raises RedisUnavailable."""
    wanted = selection.wanted
    payload = BulkJobs(
        action=action,  # type: ignore[arg-type]  # pydantic checks it
        queue=selection.queue.name,
        state=selection.state,
        name=wanted.name or "",
        owner=wanted.owner or "",
        error_class=wanted.error_class or "",
        text=wanted.text or "",
        until=timezone.now(),
        user_id=user_id,
        user_name=user_name,
    )
    return left_to_a_job.enqueue(BULK_JOBS, payload)


@patiently()
def bulk_jobs(payload: BulkJobs) -> dict[str, int]:
    """Acts on the jobs that fit as it starts and were there when it was asked for, but for itself, and tells how far it is in percent.
    Returns how many fitted and how many it met: the others had changed meanwhile. Another attempt looks anew, and so goes on where one
    was cut off: what that one retried is not failed any more, or died after `until`."""
    selection, here = payload.selection, current_job()
    ids = [job_id for job_id in selection.ids(payload.until) if here is None or job_id != here.id]
    met = looked = 0
    for count in ACTIONS[payload.action].run(selection.queue, ids, selection.state):
        met, looked = met + count, min(len(ids), looked + SLICE)
        if here:
            report_progress(round(100 * looked / len(ids)))
    left_to_a_job.write_audit(payload, here, "Queue", payload.queue, f"{payload.action}, {met} of {len(ids)} {selection}")
    return {"matched": len(ids), "done": met}
