"""Acting on very many jobs: a job of this app itself, on the queue of the clean-up."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.apps import apps
from django.db import Error as DatabaseError
from django.utils import timezone
from pydantic import BaseModel

from queues.conf import settings
from queues.decorators import job
from queues.exceptions import RedisUnavailable
from queues.jobs.job import Job
from queues.jobs.registry import registry
from queues.jobs.running import current_job, report_progress
from queues.jobs.states import State
from queues.operations.selection import ACTIONS, Selection
from queues.publish import add_job
from queues.store.connection import patiently
from queues.store.finding.filters import Filter
from queues.store.queue import get_queue, queue_names
from queues.store.slices import SLICE

BULK_JOBS = "bulk-jobs"
PATIENT: dict[str, Any] = {"timeout": 3600, "attempts": 10, "retry_on": (RedisUnavailable, DatabaseError)}
"""A Redis that is slow for a quarter of an hour leaves nothing half done: each attempt goes on where one was cut off."""


class BulkJobs(BaseModel):
    """What to do with which jobs, and who asked for it; `until` is when, and what came later is not meant."""

    action: Literal["retry", "promote", "cancel", "remove"]
    queue: str
    state: State
    name: str = ""
    owner: str = ""
    error_class: str = ""
    text: str = ""
    until: datetime | None = None
    user_id: str = ""
    user_name: str = ""

    @property
    def selection(self) -> Selection:
        """Raises UnknownQueue."""
        wanted = Filter(name=self.name or None, owner=self.owner or None, error_class=self.error_class or None, text=self.text or None)
        return Selection(queue=get_queue(self.queue), state=self.state, wanted=wanted)


def bulk_queue() -> str | None:
    """The queue of the clean-up; None where there is no queue at all."""
    return settings.clean_queue or next(iter(queue_names()), None)


def register() -> None:
    """Registers the job as Django starts, unless there is no queue."""
    if queue := bulk_queue():
        job(name=BULK_JOBS, queue=queue, **PATIENT)(bulk_jobs)


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
    return add_job(registry.get(BULK_JOBS).queue, BULK_JOBS, payload.model_dump(mode="json"))


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
    message = f"Job {here.id if here else ''}: {payload.action}, {met} of {len(ids)} {selection}"
    write_audit(payload.user_id, payload.user_name, "Queue", payload.queue, message + besides(here))
    return {"matched": len(ids), "done": met}


def besides(here: Job | None) -> str:
    """What the audit has to add where earlier attempts were cut off: nobody counted what they did."""
    return ", besides what an earlier attempt did before it was cut off" if here and (here.stalls or here.attempts_made) else ""


def write_audit(user_id: str, user_name: str, model: str, object_id: str, message: str) -> None:
    """In the admin's log, where there is one."""
    if apps.is_installed("django.contrib.admin"):
        from queues import audit

        audit.write(user_id, user_name, apps.get_model("queues", model), object_id, message)
