"""For balancers and supervisors, open to all: whether the process lives, and whether it can serve."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from queues.api.access import only_reading
from queues.api.readiness import READY, ask_all


@csrf_exempt
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """Asks nobody anything: whoever restarts what does not live must not do so because a server elsewhere is away."""
    return only_reading(request) or JsonResponse({"status": "live"})


@csrf_exempt
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """503, and which check failed. Never for a long queue: a balancer would take healthy processes away."""
    if refusal := only_reading(request):
        return refusal
    checks = ask_all()
    is_ready = all(answer == READY for answer in checks.values())
    return JsonResponse({"status": "ready" if is_ready else "unavailable", "checks": checks}, status=200 if is_ready else 503)
