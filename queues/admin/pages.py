"""What all pages share: who may see them, how they look around, and what they say when Redis or a job is gone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Concatenate

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from queues import permissions
from queues.admin.typed import ModelAdmin
from queues.exceptions import InvalidPayload, JobNotFound, RedisUnavailable, UnknownJob, UnknownQueue, UnknownSchedule, UnknownWorker

READS = ("GET", "HEAD")
FORMS = (*READS, "POST")
GONE = (JobNotFound, UnknownJob, UnknownQueue, UnknownSchedule, UnknownWorker)
RIGHTS = ("view", "change", "add", "cancel", "remove", "pause")

View = Callable[Concatenate[Any, HttpRequest, ...], HttpResponseBase]


class PageAdmin(ModelAdmin):
    """Pages of our own under a model without a table. A subclass lists them in `pages` and decorates each view with `page` or `action`.

    Another app's pages name their own permissions, and have their templates in `admin/<app>/`.
    """

    view_permission = permissions.VIEW
    change_permission = permissions.CHANGE

    def pages(self) -> list[URLPattern]:
        raise NotImplementedError

    def get_urls(self) -> list[URLPattern]:
        return self.pages()

    def route(self, route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        """A page, named as the admin names its own: `queues_<model>_<name>`. `changelist` and `change` are what the admin links to."""
        return path(route, self.admin_site.admin_view(view), name=f"{self.opts.app_label}_{self.opts.model_name}_{name}")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(self.view_permission))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(self.change_permission))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def render(self, request: HttpRequest, template: str, *, title: str, status: int = 200, **context: Any) -> TemplateResponse:
        """The template `admin/<app>/<template>`, or the one of `queues`, within the admin's page."""
        common = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "rights": self.rights(request),
            "sections": self._sections(request),
        }
        templates = dict.fromkeys([f"admin/{self.opts.app_label}/{template}", f"admin/queues/{template}"])
        return TemplateResponse(request, list(templates), {**common, **context}, status=status)

    def rights(self, request: HttpRequest) -> dict[str, bool]:
        """What this user may do, by the names of RIGHTS."""
        return {right: request.user.has_perm(getattr(permissions, right.upper())) for right in RIGHTS}

    def back(self, request: HttpRequest, page: str, *args: str) -> HttpResponseRedirect:
        """Where an action leads: to the page whose form named itself in `next`, else to the named page of this admin site."""
        target = request.POST.get("next", "")
        if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
            target = self.url(page, *args)
        return HttpResponseRedirect(target)

    def url(self, page: str, *args: str) -> str:
        """The address of a page such as `queue_change`; arguments quoted with django.contrib.admin.utils.quote where they are names."""
        return reverse(f"{self.admin_site.name}:{self.opts.app_label}_{page}", args=args, current_app=self.admin_site.name)

    def _sections(self, request: HttpRequest) -> list[dict[str, str]]:
        """The pages that lead to all others, those of other apps too; of them, what this user may see."""
        found = []
        for name, words, *permission in SECTIONS:
            if not request.user.has_perm(permission[0] if permission else permissions.VIEW):
                continue
            try:
                found.append({"url": reverse(f"{self.admin_site.name}:{name}"), "words": str(words), "name": name})
            except NoReverseMatch:
                continue  # its app is not installed, or its page is not registered on this site
        return found


SECTIONS: list[tuple[str, Any] | tuple[str, Any, str]] = [
    ("queues_queue_changelist", "Queues"),
    ("queues_job_changelist", "Find a job"),
    ("queues_worker_changelist", "Workers"),
    ("queues_deadletter_changelist", "Dead letters"),
    ("queues_auditentry_changelist", "Audit"),
]
"""(name of the URL, words, and the permission that its page asks for, if not VIEW): an app adds its page when its admin is found."""


def page(permission: str = permissions.VIEW, *, methods: Iterable[str] = READS) -> Callable[[View], View]:
    """A page for whoever may view and has this permission too; others get 403, other methods 405. What is gone is a friendly 404,
    a Redis that does not answer a 503, also while the page is rendered. VIEW stands for the class's own `view_permission`."""
    allowed = tuple(methods)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(self: PageAdmin, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            needed = self.view_permission if permission == permissions.VIEW else permission
            if not (request.user.has_perm(self.view_permission) and request.user.has_perm(needed)):
                raise PermissionDenied
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            try:
                response = view(self, request, *args, **kwargs)
                return response.render() if isinstance(response, TemplateResponse) else response
            except RedisUnavailable as error:
                return self.render(request, "unavailable.html", title=_("Redis does not answer"), error=error, status=503)
            except InvalidPayload as error:  # a filter of megabytes, left to a job
                raise SuspiciousOperation(str(error)) from error
            except GONE as error:
                return self.render(request, "gone.html", title=_("Not found"), error=error, status=404)

        guarded.permission, guarded.methods = permission, allowed  # type: ignore[attr-defined]  # for tests that look for all actions
        return guarded

    return decorate


def action(permission: str) -> Callable[[View], View]:
    """What changes something: by POST alone."""
    return page(permission, methods=("POST",))


def told_in(request: HttpRequest, field: str) -> int | None:
    """How many jobs the confirmation page told of, which its form brings back; None for rubbish."""
    text = request.POST.get(field, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None
