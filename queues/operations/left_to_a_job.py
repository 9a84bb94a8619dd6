"""Acting on very many jobs is left to a job of this app itself, on the queue of the clean-up: what those jobs have in common."""

from __future__ import annotations

from collections.abc import Callable

from django.apps import apps
from django.db import Error as DatabaseError
from pydantic import BaseModel

from queues.conf import settings
from queues.decorators import job
from queues.exceptions import RedisUnavailable
from queues.jobs.job import Job
from queues.jobs.registry import registry
from queues.publish import add_job
from queues.store.queue import queue_names

ATTEMPTS, TIMEOUT_SECONDS = 10, 3600
"""A Redis that is slow for a quarter of an hour leaves nothing half done: each attempt goes on where one was cut off."""


class Asked(BaseModel):
    """By whom it was asked for, for the audit."""

    user_id: str = ""
    user_name: str = ""


def register(name: str, function: Callable[..., object]) -> None:
    """Registers the job as Django starts, unless there is no queue."""
    if queue := settings.clean_queue or next(iter(queue_names()), None):
        retry_on = (RedisUnavailable, DatabaseError)
        job(name=name, queue=queue, attempts=ATTEMPTS, timeout=TIMEOUT_SECONDS, retry_on=retry_on)(function)


def enqueue(name: str, payload: Asked) -> Job:
    """Leaves it to the job, and returns that. Raises RedisUnavailable."""
    return add_job(registry.get(name).queue, name, payload.model_dump(mode="json"))


def write_audit(asked: Asked, here: Job | None, model: str, object_id: str, what: str) -> None:
    """In the admin's log, where there is one. Says where earlier attempts were cut off: nobody counted what they did."""
    if apps.is_installed("django.contrib.admin"):
        from queues import audit

        was_cut_off = here is not None and (here.stalls or here.attempts_made)
        besides = ", besides what an earlier attempt did before it was cut off" if was_cut_off else ""
        message = f"Job {here.id if here else ''}: {what}{besides}"
        audit.write(asked.user_id, asked.user_name, apps.get_model("queues", model), object_id, message)
