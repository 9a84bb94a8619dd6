"""Every address of the admin pages of queues and embeddings, found by itself, under every kind of visitor.

What acts is told by the marks that the decorators of queues.admin.pages leave on a view: its permission and its methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse
from django.urls.converters import IntConverter

from queues import get_queue, permissions
from tests.queues.accounts import make_user
from tests.queues.filling import Committed, fill_queue
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

APPS = ("queues", "embeddings")
RIGHTS = (permissions.CHANGE, permissions.ADD, permissions.CANCEL, permissions.REMOVE, permissions.PAUSE)
NEEDED = {
    permissions.CHANGE: {"retry", "promote", "run", "disable", "enable"},
    permissions.ADD: {"add", "rerun"},
    permissions.CANCEL: {"cancel"},
    permissions.REMOVE: {"remove", "clean", "drain"},
    permissions.PAUSE: {"pause", "resume", "stop"},
}
"""What the pages of queues do, by the last word of an address's name, and the permission that it takes."""
DECIDED_BY_FORM = {"selected", "bulk"}
"""Addresses whose form says which of these acts it is: they refuse by themselves."""
ACTS = ("retry", "remove", "promote", "cancel")


@dataclass(frozen=True, kw_only=True)
class Address:
    """`permission` is empty where the view bears no mark, as the stock pages of a ModelAdmin, or asks for no more than to view."""

    name: str
    url: str
    is_marked: bool
    permission: str
    methods: tuple[str, ...]

    @property
    def acts(self) -> bool:
        return "POST" in self.methods

    @property
    def word(self) -> str:
        return self.name.split("_", 2)[-1]


@pytest.fixture
def addresses(committed: Committed) -> list[Address]:
    """Of all pages, on objects that exist: a job waits, one failed, one completed and one is delayed."""
    fill_queue(committed)
    objects = {
        "queue": QUEUE,
        "job": get_queue(QUEUE).job_ids("waiting")[0],
        "schedule": "clean-queues",
        "worker": "nobody",
        "deadletter": "NonRetryable:give-up",
    }
    return list(_addresses(objects))


def _addresses(objects: dict[str, str]) -> Iterator[Address]:
    for each in admin.site._registry.values():
        if each.opts.app_label not in APPS:
            continue
        for pattern in each.get_urls():
            if pattern.name is None:
                continue  # the stock redirect of an object's old address
            kwargs: dict[str, Any] = {}
            for argument, converter in pattern.pattern.converters.items():
                text = quote(objects.get(each.opts.model_name, "1")) if argument == "object_id" else "error"
                kwargs[argument] = 1 if isinstance(converter, IntConverter) else text
            permission = getattr(pattern.callback, "permission", "")
            yield Address(
                name=pattern.name,
                url=reverse(f"admin:{pattern.name}", kwargs=kwargs),
                is_marked=hasattr(pattern.callback, "permission"),
                permission="" if ".view_" in permission else permission,
                methods=tuple(getattr(pattern.callback, "methods", ())),
            )


@pytest.fixture
def state(connection: redis.Redis) -> Callable[[], tuple[dict[bytes, bytes], int]]:
    """All that an act could change or leave behind."""
    return lambda: ({key: connection.dump(key) for key in connection.scan_iter()}, LogEntry.objects.count())


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(may_view(make_user("view_queue")))
    return client


def may_view(user: User) -> User:
    """With all permissions to view of the index's own tables, which say nothing of acts."""
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="embeddings", codename__startswith="view_"))
    return user


def forms() -> Iterator[dict[str, str]]:
    group = {"name": "give-up", "error_class": "NonRetryable", "expected": "1"}
    yield from ({"action": act, "_selected_action": "1", "select_across": "1", **group} for act in ACTS)


def test_the_walk_finds_the_pages_and_what_acts(addresses: list[Address]) -> None:
    names = {each.name: each for each in addresses}
    for model in ("queue_changelist", "deadletter_changelist", "auditentry_changelist"):
        assert f"queues_{model}" in names
    assert names["queues_deadletter_retry"].permission == permissions.CHANGE
    assert names["queues_deadletter_remove"].acts
    assert "embeddings_embedding_changelist" in names
    assert all(each.is_marked for each in addresses if each.name.startswith("queues_")), "a page of ours without page() or action()"


def test_anonymous_visitors_are_sent_to_the_login(addresses: list[Address], client: Client, state: Callable[[], object]) -> None:
    before = state()
    for each in addresses:
        for response in (client.get(each.url), client.post(each.url)):
            assert response.status_code == 302, each
            assert response["Location"].startswith("/admin/login/"), each
    assert state() == before


def test_staff_without_rights_get_403(addresses: list[Address], client: Client, state: Callable[[], object]) -> None:
    client.force_login(make_user())
    before = state()
    for each in addresses:
        if each.word == "history" and not each.is_marked:
            assert client.get(each.url).status_code in (302, 403), each  # stock: of an object that is not there, to the index
            continue
        assert client.get(each.url).status_code == 403, each
        assert client.post(each.url).status_code == 403, each
    assert state() == before


def test_every_right_but_that_to_view_opens_nothing(addresses: list[Address], client: Client) -> None:
    client.force_login(make_user(*(right.partition(".")[2] for right in RIGHTS)))
    for each in addresses:
        if each.name.startswith("queues_"):
            assert client.get(each.url).status_code == 403, each
            assert client.post(each.url).status_code == 403, each


def test_a_viewer_sees_the_pages(addresses: list[Address], viewer: Client, state: Callable[[], object]) -> None:
    before = state()
    for each in addresses:
        status = viewer.get(each.url).status_code
        if each.permission:
            assert status == 403, each
        elif each.word in DECIDED_BY_FORM:
            assert status in (403, 404, 405), each
        elif each.is_marked:
            assert status in ((200, 302, 404) if "GET" in each.methods else (405,)), each
        else:
            assert status in (200, 302, 403, 404), each  # stock pages of tables that nobody edits
    assert state() == before


def test_no_action_works_for_a_viewer(addresses: list[Address], viewer: Client, state: Callable[[], object]) -> None:
    before = state()
    for each in addresses:
        for form in forms():
            status = viewer.post(f"{each.url}?action={form['action']}", form).status_code
            if each.permission or each.word in DECIDED_BY_FORM:
                assert status == 403, (each, form)
            elif each.is_marked and not each.acts:
                assert status == 405, (each, form)
            else:
                assert status < 500, (each, form)
    assert state() == before


@pytest.mark.parametrize("right", RIGHTS)
def test_each_permission_alone_opens_its_own_actions(addresses: list[Address], client: Client, right: str) -> None:
    client.force_login(may_view(make_user("view_queue", right.partition(".")[2])))
    for each in addresses:
        if not each.name.startswith("queues_") or not each.acts or each.word in DECIDED_BY_FORM:
            continue
        assert each.word in set().union(*NEEDED.values()), f"{each.name}: say in NEEDED which permission it takes"
        assert (client.post(each.url, {"expected": "0"}).status_code != 403) == (each.word in NEEDED[right]), each


@pytest.mark.parametrize("right", RIGHTS)
def test_a_form_that_says_what_to_do_needs_the_permission_for_that(addresses: list[Address], client: Client, right: str) -> None:
    client.force_login(make_user("view_queue", right.partition(".")[2]))
    for each in addresses:
        for form in forms():
            if each.word in DECIDED_BY_FORM:
                status = client.post(f"{each.url}?action={form['action']}", form).status_code
                assert (status != 403) == (form["action"] in NEEDED[right]), (each, form)


def test_no_action_works_without_its_csrf_token(addresses: list[Address], state: Callable[[], object]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    before = state()
    for each in addresses:
        assert client.post(each.url, next(forms())).status_code in ((403,) if each.acts or not each.is_marked else (403, 405)), each
    assert state() == before


def test_no_action_works_by_following_a_link(addresses: list[Address], admin_client: Client, state: Callable[[], object]) -> None:
    before = state()
    for each in addresses:
        status = admin_client.get(each.url).status_code
        if each.is_marked and "GET" not in each.methods:
            assert status == 405, each
        else:
            assert status in (200, 302, 403, 404), each
    assert state() == before


def test_the_groups_that_ship_can_do_what_they_say(addresses: list[Address], client: Client) -> None:
    for group, may_act in (("queue viewers", False), ("queue operators", True)):
        user = make_user()
        user.groups.add(Group.objects.get(name=group))
        client.force_login(user)
        for each in addresses:
            if not each.name.startswith("queues_") or each.word in DECIDED_BY_FORM:
                continue
            if each.acts:
                assert (client.post(each.url, {"expected": "0"}).status_code != 403) == may_act, (group, each)
            elif not each.permission:
                assert client.get(each.url).status_code in (200, 302, 404), (group, each)


def test_an_actions_mark_survives_the_admins_wrapping(addresses: list[Address]) -> None:
    marked = [each for each in addresses if each.name == "queues_deadletter_confirm_remove"]
    assert [(each.permission, each.methods) for each in marked] == [(permissions.REMOVE, ("GET", "HEAD"))]
