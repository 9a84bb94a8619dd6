"""Who may ask: staff with view_queue, or a program with a token; by GET alone. Every refusal is JSON with one sentence."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.encoding import escape_uri_path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from queues import permissions
from queues.api.tokens import find_name
from queues.exceptions import QueuesError, RedisUnavailable, UnknownQueue

log = logging.getLogger("queues.audit")

View = Callable[..., HttpResponse]
READING = ("GET", "HEAD")


class BadQuery(QueuesError):
    """The URL's query asks for what there is not."""


def guarded(view: View) -> View:
    """Refuses with 405, 401 or 403, and says errors with 400, 404 or 503. Exempt from CSRF because nothing but GET passes, and a POST
    should read 405."""

    @csrf_exempt
    @never_cache
    @functools.wraps(view)
    def guard(request: HttpRequest, **parameters: str) -> HttpResponse:
        try:
            return _refusal(request) or view(request, **parameters)
        except BadQuery as error:
            return refuse(400, str(error))
        except UnknownQueue as error:
            return refuse(404, str(error))
        except RedisUnavailable as error:
            return refuse(503, str(error))
        except Error:
            return refuse(503, "The database does not answer.")

    return guard


def refuse(status: int, sentence: str, **headers: str) -> JsonResponse:
    return JsonResponse({"error": sentence}, status=status, headers=headers)


def only_reading(request: HttpRequest) -> JsonResponse | None:
    """405 for whatever is no GET."""
    return None if request.method in READING else refuse(405, "Only GET is answered here.", Allow=", ".join(READING))


def _refusal(request: HttpRequest) -> JsonResponse | None:
    if refusal := only_reading(request):
        return refusal
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return _of_token(request, token.strip()) if scheme.lower() == "bearer" else _of_session(request)


def _of_token(request: HttpRequest, token: str) -> JsonResponse | None:
    """Asks no database: a program should see what is wrong while that is away."""
    name = find_name(token)
    if name is None:
        log.warning("refused: %s %s with an unknown token", request.method, escape_uri_path(request.path))
        return refuse(401, "This token is unknown.", **{"WWW-Authenticate": 'Bearer realm="queues", error="invalid_token"'})
    log.info("%s %s with the token %s", request.method, escape_uri_path(request.path), name)
    return None


def _of_session(request: HttpRequest) -> JsonResponse | None:
    user = request.user
    if not user.is_authenticated:
        return refuse(401, "Log in, or send a token: Authorization: Bearer ...", **{"WWW-Authenticate": 'Bearer realm="queues"'})
    if not (user.is_staff and user.has_perm(permissions.VIEW)):
        return refuse(403, f"This needs a staff account with the permission {permissions.VIEW}.")
    return None
