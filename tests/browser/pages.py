"""All admin pages of `queues` and `embeddings`, found from the URL configuration, so that a new page is looked at without being named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import RequestFactory
from django.urls import URLPattern, reverse

from queues.admin.pages import PageAdmin
from tests.browser.scene import Scene

APPS = ("queues", "embeddings")
STOCK = ("changelist", "change")
"""What Django's own ModelAdmin shows to somebody who may only look."""
FURTHER = ("context_person_change",)
"""Pages of other apps that show something of ours."""


@dataclass(frozen=True, kw_only=True)
class AdminPage:
    """One page. `is_stock` where Django's own ModelAdmin renders it."""

    name: str
    parameters: tuple[str, ...] = ()
    is_stock: bool = False

    def __str__(self) -> str:
        return self.name

    def addresses(self, scene: Scene) -> list[str]:
        """Where it is found: of each thing that the scene has for it, with each of its queries. Fails the test where this module does
        not know a parameter."""
        values = product(*(self._arguments(name, scene) for name in self.parameters))
        found = [reverse(f"admin:{self.name}", args=[admin.utils.quote(value) for value in each]) for each in values]
        return [address + query for address in found for query in queries(scene).get(self.name, [""])]

    def _arguments(self, parameter: str, scene: Scene) -> list[str]:
        known = arguments(scene)
        for key in (f"{self.name}.{parameter}", f"{self.name.rpartition('_')[0]}.{parameter}"):
            if key in known:
                return known[key]
        if self.is_stock and parameter == "object_id":
            return [_first(apps.get_model(*self.name.split("_")[:2]))]
        pytest.fail(f"tell pages.py what {self.name} needs as {parameter!r}: a line in arguments()")


def arguments(scene: Scene) -> dict[str, list[str]]:
    """Values by `<URL name>.<parameter>`, or `<app>_<model>.<parameter>` for all pages of a model."""
    return {
        "queues_queue.object_id": [scene.queue],
        "queues_job_change.object_id": list(scene.jobs.values()),
        "queues_job.object_id": [scene.jobs["failed"]],
        "queues_job.part": ["payload"],
        "queues_worker.object_id": [scene.worker],
        "queues_schedule.object_id": [scene.schedule],
        "queues_deadletter.object_id": [f"{scene.error_class}:{scene.job_name}"],
        "context_person.object_id": [str(scene.person.pk)],
    }


def queries(scene: Scene) -> dict[str, list[str]]:
    """By URL name, of pages that show something else by each, or nothing without."""
    group = f"?error_class={scene.error_class}&name={scene.job_name}"
    return {
        "queues_queue_change": [f"?state={state}" for state in ("waiting", "active", "completed", "failed", "delayed")],
        "queues_queue_bulk": ["?state=failed&action=retry", "?state=waiting&action=cancel"],
        "queues_job_add": ["", f"?queue={scene.queue}&name={scene.job_name}"],
        "queues_deadletter_confirm_retry": [group],
        "queues_deadletter_confirm_remove": [group],
    }


def _first(model: type[Model]) -> str:
    found = model._default_manager.order_by("pk").first()
    if found is None:
        pytest.fail(f"tell scene.py to make a {model._meta.label}: its page has nothing to show")
    return str(found.pk)


@cache
def every_page() -> list[AdminPage]:
    """In the order of their names. Needs no server."""
    found = [page for model, model_admin in admin.site._registry.items() if model._meta.app_label in APPS for page in _pages(model_admin)]
    further = [AdminPage(name=name, parameters=("object_id",), is_stock=True) for name in FURTHER]
    return sorted(found + further, key=lambda page: page.name)


def _pages(model_admin: admin.ModelAdmin) -> Iterator[AdminPage]:
    is_own = isinstance(model_admin, PageAdmin)
    names = [f"{model_admin.opts.app_label}_{model_admin.opts.model_name}_{name}" for name in STOCK]
    for pattern in model_admin.get_urls():
        if pattern.name and (_answers_get(pattern) if is_own else pattern.name in names):
            yield AdminPage(name=pattern.name, parameters=tuple(pattern.pattern.converters), is_stock=not is_own)


def _answers_get(pattern: URLPattern) -> bool:
    """What its view allows, as its refusal of another method says before it reads anything."""
    request = RequestFactory().options("/")
    request.user = User(username="nobody", is_active=True, is_staff=True, is_superuser=True)
    response = pattern.callback(request, **dict.fromkeys(pattern.pattern.converters, "x"))
    assert response.status_code == 405, f"{pattern.name} is not decorated by queues.admin.pages.page or action"
    return "GET" in response.headers["Allow"]
