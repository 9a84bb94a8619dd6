"""What is said where very many jobs are left to a job of our own."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from queues.admin.pages import PageAdmin
from queues.control import get_workers
from queues.jobs.job import Job


def tell_left(pages: PageAdmin, request: HttpRequest, job: Job) -> None:
    """Where to see how far it is, and that nobody does it where no worker serves its queue."""
    link = format_html('<a href="{}">{}</a>', pages.url("job_change", quote(job.id)), job.id)
    text = _("These are many, so a job of the queue {queue} does it: {job} says how far it is.")
    messages.info(request, format_html(text, queue=job.queue, job=link))
    if not get_workers(job.queue):
        text = _("No worker serves the queue {queue}, so nothing is done until one does: start {command}.")
        command = format_html("<code>manage.py rqworker {}</code>", job.queue)
        messages.warning(request, format_html(text, queue=job.queue, command=command))
