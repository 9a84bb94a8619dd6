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
from queues.admin.queue.metrics import QueueMetrics
from queues.admin.queue.overview import read_overview
from queues.admin.queue.page import QueuePages
from queues.audit import record
from queues.models import Queue
from queues.store.queue import get_queue


@admin.register(Queue)
class QueueAdmin(QueueMetrics, QueuePages):
    def pages(self) -> list[URLPattern]:
        return [
            self.route("", self.overview, "changelist"),
            self.route("<path:object_id>/metrics/", self.metrics, "metrics"),
            self.route("<path:object_id>/pause/", self.pause, "pause"),
            self.route("<path:object_id>/resume/", self.resume, "resume"),
            *self.queue_pages(),
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
