"""The queues' place in the admin: pages of our own under a model without a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from queues.admin.overview import read_overview
from queues.models import Queue

if TYPE_CHECKING:  # Django's own ModelAdmin takes no type argument at run time
    ModelAdmin = admin.ModelAdmin[Queue]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(Queue)
class QueueAdmin(ModelAdmin):
    """Read-only: each page asks for view_queue itself, since the admin alone asks only for staff."""

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.changelist_view), name="queues_queue_changelist")]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Queue | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The overview of all queues; 503 when no Redis answers."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        overview = read_overview()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Queues"),
            "opts": self.opts,
            "overview": overview,
            **(extra_context or {}),
        }
        status = 503 if overview.is_unavailable else 200
        return TemplateResponse(request, "admin/queues/queue/overview.html", context, status=status)
