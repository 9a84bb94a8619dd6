"""The page of a job, and what an operator can do with it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.urls import URLPattern
from django.utils.translation import gettext as _

from queues import audit, permissions
from queues.admin.job.adding import AddingPages
from queues.admin.job.page import JobPage, words_of
from queues.admin.pages import FORMS, action, page
from queues.exceptions import JobNotFound
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.models import Job as JobModel
from queues.store.details import read_details
from queues.store.fields import integer

WHOLE_TEXTS: dict[str, Callable[[JobPage], str]] = {
    "payload": lambda found: found.payload_text,
    "result": lambda found: found.result_text,
    "log": lambda found: found.masker.text("\n".join(found.job.logs())),
}
"""What can be read whole, as plain text, where the page has cut it."""


@admin.register(JobModel)
class JobAdmin(AddingPages):
    def pages(self) -> list[URLPattern]:
        return [
            self.route("", self.find, "changelist"),
            self.route("add/", self.add, "add"),
            self.route("<path:object_id>/change/", self.show, "change"),
            self.route("<path:object_id>/text/<slug:part>/", self.text, "text"),
            self.route("<path:object_id>/again/", self.rerun, "rerun"),
            self.route("<path:object_id>/remove/", self.remove, "remove"),
            self.route("<path:object_id>/retry/", self.retry, "retry"),
            self.route("<path:object_id>/promote/", self.promote, "promote"),
            self.route("<path:object_id>/cancel/", self.cancel, "cancel"),
        ]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """There is no list of all jobs for the admin's index to lead to: each queue's page has its own."""
        return False

    @page()
    def find(self, request: HttpRequest) -> HttpResponseBase:
        """Any job by its id, over all queues and servers."""
        job_id, is_missing = request.GET.get("id", "").strip(), False
        if job_id:
            try:
                return HttpResponseRedirect(self.address(read_details(job_id).job.id))
            except JobNotFound:
                is_missing = True
        title = _("Find a job")
        status = 404 if is_missing else 200
        return self.render(request, "job/find.html", title=title, status=status, job_id=job_id, is_missing=is_missing)

    @page()
    def show(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        start = request.GET.get("log", "")
        found = JobPage(read_details(unquote(object_id), log_from=integer(start) if start.isdecimal() else None))
        return self.render(request, "job/page.html", title=_("Job %(name)s") % {"name": found.name}, page=found, job=found.job)

    @page()
    def text(self, request: HttpRequest, object_id: str, part: str) -> HttpResponseBase:
        """What the page cuts, whole and masked, as plain text."""
        if part not in WHOLE_TEXTS:
            raise JobNotFound(_("A job has no text of this name."))
        text = WHOLE_TEXTS[part](self.read(object_id))
        return HttpResponse(text, content_type="text/plain; charset=utf-8", headers={"X-Content-Type-Options": "nosniff"})

    @action(permissions.CHANGE)
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return self._act(request, object_id, Job.retry, "retried", _("It waits again, with its attempts reset."))

    @action(permissions.CHANGE)
    def promote(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return self._act(request, object_id, Job.promote, "promoted", _("It waits for no longer than for a worker."))

    @action(permissions.CANCEL)
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """What waits becomes a dead letter, what runs is told to stop."""
        found = self.read(object_id)
        was = found.job.cancel()
        if was is None:
            return self._missed(request, found.job)
        done = _("It runs: its worker was told to stop it.") if was is State.ACTIVE else _("It will not run: it is a failed job now.")
        return self._done(request, found, f"cancelled while {was.value}", done)

    @page(permissions.REMOVE, methods=FORMS)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        found = self.read(object_id)
        if not found.can_remove:
            return self._missed(request, found.job)
        if request.method != "POST":
            return self.render(request, "job/remove.html", title=_("Remove the job?"), page=found, job=found.job)
        if not found.job.remove():
            return self._missed(request, found.job)
        audit.record(request, JobModel, found.job.id, f"removed: {found.name} of {found.job.queue}", flag=audit.DELETION)
        messages.success(request, _("The job %(id)s is removed.") % {"id": found.job.id})
        return self.back(request, "queue_changelist")

    def _act(self, request: HttpRequest, object_id: str, change: Callable[[Job], bool], what: str, done: str) -> HttpResponseBase:
        found = self.read(object_id)
        return self._done(request, found, what, done) if change(found.job) else self._missed(request, found.job)

    def _done(self, request: HttpRequest, found: JobPage, what: str, done: str) -> HttpResponseBase:
        audit.record(request, JobModel, found.job.id, f"{what}: {found.name} of {found.job.queue}")
        messages.success(request, done)
        return self.back(request, "job_change", quote(found.job.id))

    def _missed(self, request: HttpRequest, job: Job) -> HttpResponseBase:
        """Somebody or something was faster. Raises JobNotFound where the job is gone."""
        state = words_of(job.refresh().state)
        messages.warning(request, _("The job had changed meanwhile: it is %(state)s now. Nothing was done.") % {"state": state})
        return self.back(request, "job_change", quote(job.id))
