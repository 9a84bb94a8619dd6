"""Who may ask: staff with view_queue, by GET. Every refusal is JSON with one sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

PERMISSION = "queues.view_queue"

View = Callable[[HttpRequest], JsonResponse]


def json_view(view: View) -> View:
    """Refuses with 405, 401 or 403. Exempt from CSRF because nothing but GET passes, and a POST should read 405."""

    @csrf_exempt
    @never_cache
    @functools.wraps(view)
    def guarded(request: HttpRequest) -> JsonResponse:
        return _refusal(request) or view(request)

    return guarded


def _refusal(request: HttpRequest) -> JsonResponse | None:
    user = request.user
    if request.method not in ("GET", "HEAD"):
        return JsonResponse({"error": "Only GET is answered here."}, status=405, headers={"Allow": "GET, HEAD"})
    if not user.is_authenticated:
        return JsonResponse({"error": "Log in first."}, status=401, headers={"WWW-Authenticate": 'Session realm="admin"'})
    if not (user.is_staff and user.has_perm(PERMISSION)):
        return JsonResponse({"error": f"This needs a staff account with the permission {PERMISSION}."}, status=403)
    return None
