"""What a program may ask about the queues."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse

from queues import RedisUnavailable, get_all_queue_stats
from queues.api.access import json_view


@json_view
def queues(request: HttpRequest) -> JsonResponse:
    """The statistics of every queue; 503 when a Redis does not answer."""
    try:
        stats = {name: each.counts() for name, each in get_all_queue_stats().items()}
    except RedisUnavailable as error:
        return JsonResponse({"error": str(error)}, status=503)
    return JsonResponse({"queues": stats})
