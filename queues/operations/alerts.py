"""Telling people of dead jobs, throttled: one message per queue and QUEUES_ALERT_SECONDS, however many jobs die and workers run."""

from __future__ import annotations

import shlex
from typing import Any

from django.core.mail import mail_admins as django_mail_admins
from django.utils.module_loading import import_string

from queues.conf import settings
from queues.exceptions import JobCancelled
from queues.jobs.job import Job
from queues.masking import Masker
from queues.plain import plain, plain_line
from queues.store import keys
from queues.store.connection import translated
from queues.store.queue import get_queue

MOST_OF_A_NAME = 200


def alert(job: Job, error: BaseException | None, **_: Any) -> None:
    """Receives `dead`. Calls QUEUES_ALERT(job, error, others), where `others` counts the queue's dead jobs since the last message.
    What somebody cancelled alarms nobody."""
    if not settings.alert or isinstance(error, JobCancelled):
        return
    others = _others(job)
    if others is not None:
        import_string(settings.alert)(job, error, others)


def mail_admins(job: Job, error: BaseException | None, others: int) -> None:
    """Mails Django's ADMINS. The payload stays out of the mail, as it may be private, and out of the error what is masked in it."""
    more = f"\n{others} more jobs of this queue failed for good since the last message.\n" if others else ""
    name, masker = plain_line(job.name, MOST_OF_A_NAME), Masker(job.data)
    django_mail_admins(
        f"{job.queue}: job {name} failed for good",
        f"Job:      {job.id}\nName:     {name}\nQueue:    {job.queue}\nAttempts: {job.attempts_made} of {job.attempts}\n"
        f"Error:    {plain(masker.text(job.error or str(error)))}\n{more}\n"
        f"It is kept among the queue's failed jobs. To see it: manage.py queue_jobs --id {job.id}\n"
        f"To retry:  manage.py queue_retry {job.queue} --name {shlex.quote(name)}\n",
    )


def _others(job: Job) -> int | None:
    """The dead jobs that nobody was told of; None while the last message is too young for another."""
    connection = get_queue(job.queue).connection
    with translated():
        if connection.set(keys.alert(job.queue), 1, nx=True, ex=settings.alert_seconds):
            return int(connection.getdel(keys.untold(job.queue)) or 0)
        with connection.pipeline() as pipeline:
            pipeline.incr(keys.untold(job.queue))
            pipeline.expire(keys.untold(job.queue), 7 * 86400)
            pipeline.execute()
    return None
