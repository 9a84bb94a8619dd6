"""The pages of the workers: who works at what, and pausing, resuming and stopping one."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.translation import gettext as _

from queues import permissions
from queues.admin.pages import FORMS, PageAdmin, action, page
from queues.admin.worker.rows import read_row, rows_of, unserved
from queues.audit import record
from queues.conf import settings
from queues.control import get_fleet
from queues.models import Worker


@admin.register(Worker)
class WorkerAdmin(PageAdmin):
    def pages(self) -> list[URLPattern]:
        return [
            self.route("", self.workers, "changelist"),
            self.route("<path:object_id>/change/", self.worker, "change"),
            self.route("<path:object_id>/pause/", self.pause, "pause"),
            self.route("<path:object_id>/resume/", self.resume, "resume"),
            self.route("<path:object_id>/stop/", self.stop, "stop"),
        ]

    @page()
    def workers(self, request: HttpRequest) -> HttpResponseBase:
        """Two round trips, however many workers there are."""
        fleet = get_fleet()
        rows = rows_of(fleet)
        return self.render(request, "worker/workers.html", title=_("Workers"), fleet=fleet, rows=rows, unserved=unserved(rows))

    @page()
    def worker(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = read_row(unquote(object_id))
        return self.render(request, "worker/worker.html", title=_("Worker %(name)s") % {"name": row.worker.name}, row=row)

    @action(permissions.PAUSE)
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        worker = read_row(unquote(object_id)).worker
        worker.pause()
        record(request, Worker, worker.name, _("Paused the worker."))
        messages.success(request, _("The worker %(name)s takes no more jobs until it is resumed or ends.") % {"name": worker.name})
        return self.back(request, "worker_changelist")

    @action(permissions.PAUSE)
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        worker = read_row(unquote(object_id)).worker
        worker.resume()
        record(request, Worker, worker.name, _("Resumed the worker."))
        messages.success(request, _("The worker %(name)s takes jobs again.") % {"name": worker.name})
        return self.back(request, "worker_changelist")

    @page(permissions.PAUSE, methods=FORMS)
    def stop(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """Asks, then tells the worker."""
        row = read_row(unquote(object_id))
        name, seconds = row.worker.name, settings.shutdown_seconds
        if request.method != "POST":
            return self.render(request, "worker/stop.html", title=_("Stop the worker?"), row=row, seconds=seconds)
        if row.worker.stop():
            record(request, Worker, name, _("Stopped the worker."))
            messages.success(request, _("The worker %(name)s was told to stop: it ends when its jobs have.") % {"name": name})
        else:
            record(request, Worker, name, _("Asked the worker to stop; it did not hear."))
            messages.warning(request, _("The worker %(name)s did not hear: it is gone, or cannot reach Redis now.") % {"name": name})
        return self.back(request, "worker_changelist")
