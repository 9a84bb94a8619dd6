"""GET /metrics."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from queues.api.access import guarded
from queues.api.prometheus.registry import new_collectors


@guarded
def metrics(request: HttpRequest) -> HttpResponse:
    """All families, or those named by `name[]`, as text or OpenMetrics. 200 also while Redis is away: `queues_up` says so.

    The registry is the request's own: every process of a site answers alike, and what one scrape asks for does not stay for the next.
    """
    registry = CollectorRegistry()
    for collector in new_collectors():
        registry.register(collector)
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    names = request.GET.getlist("name[]")
    return HttpResponse(encode(registry.restricted_registry(names) if names else registry), content_type=content_type)
