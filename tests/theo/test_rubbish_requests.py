"""Every address of the site, asked for rubbish by somebody who may do everything: answered or refused in words, never with a 500."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import cycle
from urllib.parse import quote as urlquote
from urllib.parse import urlencode

import pytest
import redis
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote as admin_quote
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import DateField
from django.test import Client
from django.urls import URLResolver, get_resolver

from queues import get_queue
from queues.admin.lists import PatientList
from tests.browser.scene import Scene, prepare
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db(transaction=True)

VALUES: list[str | bytes] = ["\0", b"\xff\xed\xa0\x80", "-1", "9" * 18, "9" * 5000, "-1e999", "name~-99~1e999~-~\0"]
READ = {
    "/admin/queues/queue/.*/(change|selected|bulk)/": "id name owner error_class text order size state at action",
    "/admin/queues/queue/.*/metrics/": "window sort",
    "/admin/queues/queue/.*/clean/": "age unit states",
    "/admin/queues/job/.*/change/": "log",
    "/admin/queues/job/": "id",
    "/admin/queues/job/add/": "queue name",
    "/admin/queues/deadletter/.*": "queue name error_class sort",
    "/admin/embeddings/coverage/search/": "query user entity_types limit min_similarity database",
    "/api/admin/queues/.*/jobs": "state name owner error_class q page",
    "/": "q type",
    "/login/": "next",
    "/admin/.*autocomplete/": "term app_label model_name field_name page",
}
"""By address, the parameters that its view reads."""
LISTS = ["q", "p", "o", "all", "e", "_facets", "trash", "user", "kind", "about"]
FORMS = {
    "pages": "action query limit min_similarity count expected until age states queue name error_class user _selected_action database",
    "jobs": "payload-name payload-seconds options-delay options-priority options-attempts options-dedupe entity_type entity_id error",
}
ANOTHER_STORY = ("auth/", "logout", "password_change", "admin/r/")
"""Django's own pages, what ends the session, and what the last test here asks for, kind by kind."""
AUTOCOMPLETED = re.compile("/admin/context/[a-z]+/add/")
"""Whose form Django cannot show again with a key of a related row that is no number."""


@pytest.fixture
def connection() -> redis.Redis:
    client = get_queue(QUEUE).connection
    client.flushdb()
    return client


@pytest.fixture
def scene(client: Client, connection: redis.Redis) -> Scene:
    user = User.objects.create_superuser("root")
    client.force_login(user)
    client.raise_request_exception = False
    return prepare(connection, user)


def addresses(scene: Scene, rubbish: str | bytes = "") -> list[str]:
    """Each address, with what there is in the places of its parameters, or with rubbish there."""
    known = {"job": scene.jobs["failed"], "queue": scene.queue, "worker": scene.worker, "schedule": scene.schedule}
    found = []
    for route in dict.fromkeys(routes(get_resolver())):
        model = route.split("/")[2] if route.count("/") > 2 else ""
        there = scene.queue if route.startswith("api/") else admin_quote(known.get(model, str(scene.person.pk)))
        found.append("/" + re.sub(r"<[^>]+>", lambda _, text=rubbish or there: urlquote(text, safe=""), route))
    return found


def routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from routes(each, route)
        elif "(?" not in route and not any(word in route for word in ANOTHER_STORY):
            yield route


def names_of(address: str) -> list[str]:
    """What a GET may ask for there: of a list of Django's own, a filter by each field."""
    for model, found in admin.site._registry.items():
        if address == f"/admin/{model._meta.app_label}/{model._meta.model_name}/" and isinstance(found, PatientList):
            return [*LISTS, *(f"{field.name}{'__year' if isinstance(field, DateField) else ''}" for field in model._meta.fields)]
    return [name for pattern, names in READ.items() if re.fullmatch(pattern, address) for name in names.split()]


def questions(address: str) -> Iterator[str]:
    """Each value in all parameters at once, and each parameter alone, with one value after the other."""
    names, values = names_of(address), cycle(VALUES)
    if names:
        yield from (urlencode(dict.fromkeys(names, value)) for value in VALUES)
        yield from (urlencode({name: next(values)}) for name in names)


def test_no_question_is_a_fault(client: Client, scene: Scene) -> None:
    asked = [f"{address}?{question}" for address in addresses(scene) for question in questions(address)]
    assert len(asked) > 300
    assert [address for address in asked if client.get(address).status_code >= 500] == []


@pytest.mark.parametrize("rubbish", ["\0\r\n../", b"\xff\xed\xa0\x80" + b"9" * 5000])
def test_no_address_is_a_fault(client: Client, scene: Scene, rubbish: str | bytes) -> None:
    answers = {address: client.get(address) for address in addresses(scene, rubbish)}
    assert [address for address, response in answers.items() if response.status_code >= 500] == []


@pytest.mark.parametrize("value", ["\0" + "9" * 5000, "-1e999"])
def test_no_form_is_a_fault_nor_leads_elsewhere(client: Client, scene: Scene, value: str) -> None:
    form = {**dict.fromkeys(" ".join(FORMS.values()).split(), value), "next": "//evil.example/\r\nX-Injected: 1"}
    asked = [address for address in addresses(scene) if not AUTOCOMPLETED.match(address)]
    answers = {address: client.post(f"{address}?action=retry", form) for address in asked}
    assert [address for address, response in answers.items() if response.status_code >= 500] == []
    assert not [address for address, response in answers.items() if "evil" in response.get("Location", "").partition("?")[0]]


def test_a_row_of_any_kind_that_is_not_there_is_not_found(client: Client, scene: Scene) -> None:
    """Of what has pages in the admin and no table too."""
    ContentType.objects.clear_cache()
    ours = [model for app in ("queues", "embeddings", "context") for model in apps.get_app_config(app).get_models()]
    kinds = [ContentType.objects.get_for_model(model) for model in ours]
    answers = {kind: client.get(f"/admin/r/{kind.pk}/42/").status_code for kind in kinds}
    assert len(answers) > 15
    assert {str(kind): status for kind, status in answers.items() if status != 404} == {}
