"""Who did what to how many."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from embeddings.models import Coverage
from queues import audit
from queues.admin.audit import admin as audit_admin
from queues.models import AuditEntry, DeadLetter, InRedis, Job, Queue
from tests.queues.accounts import make_user

pytestmark = pytest.mark.django_db

URL = "/admin/queues/auditentry/"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", is_staff=True)


def record(user: User, model: type[InRedis], object_id: str, message: str, flag: int = CHANGE) -> None:
    request = RequestFactory().get("/")
    request.user = user
    audit.record(request, model, object_id, message, flag=flag)


def messages(client: Client, **query: object) -> list[str]:
    """What was done, as the table shows it."""
    page = client.get(URL, query).content.decode()
    return [unescape(text) for text in re.findall(r'field-change_message">(.*?)</t[dh]>', page)]


def test_it_tells_who_did_what_the_latest_first(viewer: Client, ann: User) -> None:
    record(ann, Queue, "mail", "Paused it")
    record(ann, DeadLetter, "ValueError:fail", "3 of 3 retried")
    page = viewer.get(URL).content.decode()
    assert messages(viewer) == ["3 of 3 retried", "Paused it"]
    assert re.search(r'field-who">ann<', page)
    assert '<a href="/admin/queues/deadletter/ValueError_3Afail/change/">ValueError:fail</a>' in page


def test_it_is_about_the_job_system_alone(viewer: Client, ann: User) -> None:
    LogEntry.objects.create(
        user=ann,
        content_type=ContentType.objects.get_for_model(User),
        object_id="1",
        object_repr="x",
        action_flag=2,
        change_message="not this",
    )
    record(ann, Job, "job-1", "this")
    assert messages(viewer) == ["this"]


def test_it_is_filtered_by_user_kind_and_what_it_is_about(viewer: Client, ann: User) -> None:
    bob = User.objects.create_user("bob", is_staff=True)
    record(ann, Queue, "mail", "one", ADDITION)
    record(bob, Queue, "mail", "two", DELETION)
    record(bob, Job, "job-1", "three")
    about = ContentType.objects.get_for_model(Queue).pk
    assert messages(viewer, user=ann.pk) == ["one"]
    assert messages(viewer, kind=DELETION) == ["two"]
    assert messages(viewer, about=about) == ["two", "one"]
    assert messages(viewer, about=about, user=bob.pk) == ["two"]
    assert messages(viewer, q="thr") == ["three"]
    assert messages(viewer, q="job-1") == ["three"]
    assert len(messages(viewer, user="rubbish", kind="9", about="'")) == 3


def test_it_is_narrowed_by_date(viewer: Client, ann: User) -> None:
    record(ann, Queue, "mail", "old")
    LogEntry.objects.update(action_time=datetime(2020, 5, 6, 7, tzinfo=UTC))
    record(ann, Queue, "mail", "new")
    assert messages(viewer, action_time__year=2020) == ["old"]
    assert messages(viewer, action_time__year=2020, action_time__month=5, action_time__day=7) == []
    page = viewer.get(URL).content.decode()
    assert "action_time__year=2020" in page and f"action_time__year={datetime.now(UTC).year}" in page
    page = viewer.get(URL, {"action_time__year": 2020, "action_time__month": 5}).content.decode()
    assert re.findall(r"action_time__day=(\d+)", page) == ["6"]


def test_a_text_is_looked_for_in_the_newest_that_the_filters_leave(viewer: Client, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in (Queue, Job, Job, Job):
        record(ann, model, "one", "the same")
    monkeypatch.setattr(audit_admin, "SEARCHED", 2)
    assert len(messages(viewer, q="same")) == 2
    assert len(messages(viewer, q="same", about=ContentType.objects.get_for_model(Queue).pk)) == 1
    assert len(messages(viewer)) == 4


@pytest.mark.parametrize(
    ("kind", "first", "last", "expected"),
    [
        ("year", "2020-05-06T00:00Z", "2022-01-01T00:00Z", ["2020-01-01", "2021-01-01", "2022-01-01"]),
        ("month", "2020-11-30T00:00Z", "2021-01-01T00:00Z", ["2020-11-01", "2020-12-01", "2021-01-01"]),
        ("day", "2020-02-28T23:00Z", "2020-03-01T00:00Z", ["2020-02-28", "2020-02-29", "2020-03-01"]),
        ("day", None, None, []),
    ],
)
def test_dates_lead_from_the_first_to_the_last(ann: User, kind: str, first: str | None, last: str | None, expected: list[str]) -> None:
    for moment in (first, last):
        if moment:
            record(ann, Queue, "mail", "one")
            LogEntry.objects.filter(pk=LogEntry.objects.latest("pk").pk).update(action_time=moment)
    found = audit_admin.AuditRows(AuditEntry).datetimes("action_time", kind)
    assert [f"{each:%Y-%m-%d}" for each in found] == expected


def test_texts_are_shown_and_not_run(viewer: Client, ann: User) -> None:
    record(ann, Queue, "<script>alert(1)</script>", "<script>alert(2)</script>")
    page = viewer.get(URL).content.decode()
    assert "<script>alert" not in page
    assert messages(viewer) == ["<script>alert(2)</script>"]


def test_it_takes_the_permission_to_view_and_nothing_can_be_changed(client: Client, ann: User) -> None:
    record(ann, Queue, "mail", "Paused it")
    entry = LogEntry.objects.get()
    client.force_login(make_user("change_queue"))
    assert client.get(URL).status_code == 403
    client.force_login(User.objects.create_superuser("root"))
    assert client.get(URL).status_code == 200
    assert client.post(URL, {"action": "delete_selected", "_selected_action": entry.pk}).status_code == 405
    for page in ("add/", f"{entry.pk}/change/", f"{entry.pk}/delete/", f"{entry.pk}/history/"):
        assert client.get(URL + page).status_code == 404
        assert client.post(URL + page, {"post": "yes"}).status_code == 404
    assert LogEntry.objects.get() == entry


def test_a_long_log_is_counted_and_paged_only_so_far_and_says_so(viewer: Client, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        record(ann, Queue, "mail", f"message {number}")
    assert "Only the newest" not in viewer.get(URL).content.decode()
    monkeypatch.setattr(audit_admin, "COUNTED", 2)
    assert "Only the newest 2 are counted" in viewer.get(URL).content.decode()


def test_the_number_of_queries_does_not_grow_with_the_log(viewer: Client, ann: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            viewer.get(URL)
        assert not [query["sql"] for query in queries if "COUNT(*)" in query["sql"] and "LIMIT 10000" not in query["sql"]]
        return len(queries)

    record(ann, Queue, "mail", "one")
    ContentType.objects.clear_cache()
    few = count()
    for number in range(30):
        record(ann, Job, f"job-{number}", "more")
    assert count() <= few


@pytest.mark.parametrize("year", ["9" * 30, "0", "-1", "x", "\x00"])
def test_a_year_that_is_none_is_refused(viewer: Client, year: str) -> None:
    assert viewer.get(URL, {"action_time__year": year}).status_code in (302, 400)


def test_an_operator_cannot_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "queues.audit"):
        audit.write("", "eve", Queue, "mail", "retry, with text x\r\nroot: queue mail: drained\x1b[2J")
    (record,) = caplog.records
    assert record.getMessage() == "eve: queue mail: retry, with text x root: queue mail: drained\ufffd[2J"


def test_rows_of_another_app_are_for_those_who_may_see_its_pages(client: Client, ann: User) -> None:
    audit.write(str(ann.pk), "ann", Coverage, "bob", "Searched as bob: 3 hits.")
    client.force_login(viewer := make_user("view_queue"))
    assert "Searched as bob" not in client.get(URL).content.decode()
    assert "Searched as bob" not in client.get(URL, {"q": "bob"}).content.decode().replace("/?q=", "")
    viewer.user_permissions.add(Permission.objects.get(content_type__app_label="embeddings", codename="view_coverage"))
    assert "Searched as bob" in client.get(URL).content.decode()
