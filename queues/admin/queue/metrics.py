"""The metrics page of a queue."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from queues.admin.pages import PageAdmin, page
from queues.admin.queue.metrics_report import NameOrder, Window, read_report
from queues.store.queue import get_queue

Choice = TypeVar("Choice", bound=StrEnum)


class MetricsPage(PageAdmin):
    """`?window=` says how far back, `?sort=` how the job names are sorted."""

    @page()
    def metrics(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """One round trip."""
        queue = get_queue(unquote(object_id))
        window, order = _choice(request, "window", Window.HOUR), _choice(request, "sort", NameOrder.BUSIEST)
        report, names = read_report(queue, window, order)
        return self.render(
            request,
            "queue/metrics_page.html",
            title=_("Metrics of %(queue)s") % {"queue": queue.name},
            report=report,
            names=names,
            order=order,
            windows=list(Window),
            orders=list(NameOrder),
        )


def _choice(request: HttpRequest, name: str, default: Choice) -> Choice:
    """What the URL asks for, the default where it asks for rubbish."""
    try:
        return type(default)(request.GET.get(name, default))
    except ValueError:
        return default
