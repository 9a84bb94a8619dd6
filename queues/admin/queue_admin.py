"""The overview of all queues."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern
from django.utils.translation import gettext as _

from queues.admin.overview import read_overview
from queues.admin.pages import page
from queues.admin.queue_page import QueuePages
from queues.models import Queue


@admin.register(Queue)
class QueueAdmin(QueuePages):
    def pages(self) -> list[URLPattern]:
        return [self.route("", self.overview, "changelist"), *self.queue_pages()]

    @page()
    def overview(self, request: HttpRequest) -> HttpResponseBase:
        """503 when no Redis answers."""
        overview = read_overview()
        status = 503 if overview.is_unavailable else 200
        return self.render(request, "queue/overview.html", title=_("Queues"), status=status, overview=overview)
