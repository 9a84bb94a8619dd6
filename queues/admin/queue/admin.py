"""The overview of all queues, and what stops and starts them."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.translation import gettext as _

from queues import permissions
from queues.admin.pages import action, page
from queues.admin.queue.bulk import BulkPages
from queues.admin.queue.clearing import ClearingPages
from queues.admin.queue.metrics import MetricsPage
from queues.admin.queue.overview import read_overview
from queues.admin.queue.page import QueuePage
from queues.audit import record
from queues.models import Queue
from queues.store.queue import get_queue


@admin.register(Queue)
class QueueAdmin(QueuePage, BulkPages, ClearingPages, MetricsPage):
    def pages(self) -> list[URLPattern]:
        return [
            self.route("", self.overview, "changelist"),
            self.route("<path:object_id>/change/", self.queue_page, "change"),
            self.route("<path:object_id>/selected/", self.act_on_selected, "selected"),
            self.route("<path:object_id>/bulk/", self.act_on_all, "bulk"),
            self.route("<path:object_id>/clean/", self.clean, "clean"),
            self.route("<path:object_id>/drain/", self.drain, "drain"),
            self.route("<path:object_id>/metrics/", self.metrics, "metrics"),
            self.route("<path:object_id>/pause/", self.pause, "pause"),
            self.route("<path:object_id>/resume/", self.resume, "resume"),
        ]

    @page()
    def overview(self, request: HttpRequest) -> HttpResponseBase:
        """503 when no Redis answers."""
        overview = read_overview()
        status = 503 if overview.is_unavailable else 200
        return self.render(request, "queue/overview.html", title=_("Queues"), status=status, overview=overview)

    @action(permissions.PAUSE)
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        queue = get_queue(unquote(object_id))
        queue.pause()
        record(request, Queue, queue.name, _("Paused."))
        text = _("Paused: %(queue)s. Running jobs finish, no other starts until it is resumed.")
        messages.success(request, text % {"queue": queue.name})
        return self.back(request, "queue_changelist")

    @action(permissions.PAUSE)
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        queue = get_queue(unquote(object_id))
        queue.resume()
        record(request, Queue, queue.name, _("Resumed."))
        messages.success(request, _("Resumed: %(queue)s.") % {"queue": queue.name})
        return self.back(request, "queue_changelist")
