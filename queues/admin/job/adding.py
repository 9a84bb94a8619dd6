"""Adding a job by hand: a new one, or one that ended once more with another payload."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.translation import gettext as _

from queues import audit, permissions
from queues.admin.job.options_form import OptionsForm
from queues.admin.job.page import JobPage
from queues.admin.pages import FORMS, PageAdmin, page
from queues.admin.payload.form import PayloadForm
from queues.exceptions import UnknownJob
from queues.jobs.job import Job
from queues.jobs.registry import Definition, registry
from queues.models import Job as JobModel
from queues.publish import add_job_now
from queues.store.details import read_details
from queues.store.queue import get_queue, queue_names


class AddingPages(PageAdmin):
    """Both show a form, and lead to the job that it added."""

    @page(permissions.ADD, methods=FORMS)
    def add(self, request: HttpRequest) -> HttpResponseBase:
        """First which job, then its payload."""
        queue, name = request.GET.get("queue", ""), request.GET.get("name", "")
        if queue:
            get_queue(queue)
        if not name:
            return self.render(request, "job/choose.html", title=_("Add a job"), queue=queue, choices=_choices(queue))
        definition = _definition(name, queue)
        payload, options = _forms(request, definition)
        if request.method == "POST" and payload.is_valid() and options.is_valid():
            job, is_new = _add(definition, payload, options)
            self._say(request, job, is_new, f"added: {name} to {job.queue}")
            return HttpResponseRedirect(self.address(job.id))
        title = _("Add %(name)s to %(queue)s") % {"name": name, "queue": definition.queue}
        return self.render(request, "job/add.html", title=title, definition=definition, payload=payload, options=options)

    @page(permissions.ADD, methods=FORMS)
    def rerun(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """A new job of the old one's name and payload, as far as it was not changed. The old one stays."""
        old = self.read(object_id)
        if not old.can_rerun or old.definition is None:
            messages.warning(request, _("Only a job that has ended, and whose name is registered, can be retried with a changed payload."))
            return HttpResponseRedirect(self.address(old.job.id))
        initial = {"priority": old.job.priority, "attempts": old.job.attempts}
        payload, options = _forms(request, old.definition, stored=old.job.data, initial=initial)
        if request.method == "POST" and payload.is_valid() and options.is_valid():
            job, is_new = _add(old.definition, payload, options)
            self._say(request, job, is_new, f"added: {job.name} to {job.queue}, as a retry of {old.job.id} with a changed payload")
            audit.record(request, JobModel, old.job.id, f"retried with a changed payload, as {job.id}")
            messages.info(request, format_html(_("The old job {} stays as it is."), self.link(old.job)))
            return HttpResponseRedirect(self.address(job.id))
        title = _("Retry %(name)s with a changed payload") % {"name": old.name}
        shown: dict[str, Any] = {"definition": old.definition, "payload": payload, "options": options, "page": old, "job": old.job}
        return self.render(request, "job/add.html", title=title, **shown)

    def read(self, object_id: str) -> JobPage:
        """Raises JobNotFound."""
        return JobPage(read_details(unquote(object_id)))

    def address(self, job_id: str) -> str:
        return self.url("job_change", quote(job_id))

    def link(self, job: Job) -> Any:
        return format_html('<a href="{}">{}</a>', self.address(job.id), job.id)

    def _say(self, request: HttpRequest, job: Job, is_new: bool, what: str) -> None:
        words = _("The job {} is added.") if is_new else _("The job {} waits under this dedupe key already, so none was added.")
        audit.record(request, JobModel, job.id, what if is_new else f"{what}, where it waited already", flag=audit.ADDITION)
        messages.success(request, format_html(words, self.link(job)))


def _choices(queue: str) -> list[tuple[str, list[Definition]]]:
    """The jobs that can be added by hand, by queue."""
    names = [queue] if queue else queue_names()
    found = [(name, sorted((each for each in _by_hand() if each.queue == name), key=lambda each: each.name)) for name in names]
    return [(name, definitions) for name, definitions in found if definitions or queue]


def _definition(name: str, queue: str) -> Definition:
    """Raises UnknownJob, UnknownQueue."""
    definition = registry.get(name)
    if not definition.is_by_hand or queue not in ("", definition.queue):
        raise UnknownJob(name, [each.name for each in _by_hand() if queue in ("", each.queue)])
    get_queue(definition.queue)
    return definition


def _by_hand() -> list[Definition]:
    return [definition for definition in registry if definition.is_by_hand]


def _forms(
    request: HttpRequest, definition: Definition, *, stored: Mapping[str, Any] | None = None, initial: dict[str, Any] | None = None
) -> tuple[PayloadForm, OptionsForm]:
    data = request.POST if request.method == "POST" else None
    return PayloadForm(definition, data, stored=stored), OptionsForm(data, prefix="options", initial=initial)


def _add(definition: Definition, payload: PayloadForm, options: OptionsForm) -> tuple[Job, bool]:
    """The job, and whether it is new: one that waits under the same dedupe key is returned instead."""
    job = add_job_now(definition.queue, definition.name, payload.payload, options.asked)
    return job, job.id == options.asked.job_id
