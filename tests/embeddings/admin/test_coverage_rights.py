"""Who sees the coverage page and may act on it."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from embeddings.models import DirtyEntity
from tests.embeddings.admin.conftest import COVERAGE, Staff, park
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

ACTIONS = ["count/", "retry/", "models/1/try/"]


@pytest.mark.parametrize("url", ["", "search/", *ACTIONS])
def test_staff_without_the_permission_see_and_do_nothing(staff: Staff, url: str) -> None:
    client = staff("queues.view_queue")
    assert client.get(f"{COVERAGE}{url}").status_code == 403
    assert client.post(f"{COVERAGE}{url}").status_code == 403


@pytest.mark.parametrize("url", ACTIONS)
def test_a_viewer_sees_no_button_and_every_action_refuses(ann: User, viewer: Client, operator: Client, url: str) -> None:
    park(Note.objects.create(author=ann, title="a"))
    page = viewer.get(COVERAGE).content.decode().split('id="content-main"')[1]
    assert "<form" not in page
    assert viewer.post(f"{COVERAGE}{url}", {"database": "default"}).status_code == 403
    assert operator.get(f"{COVERAGE}{url}").status_code == 405
    assert DirtyEntity.objects.parked().count() == 1
    assert not LogEntry.objects.exists()


def test_an_action_without_the_token_of_its_form_is_refused(staff: Staff) -> None:
    client = staff("embeddings.view_coverage", "embeddings.change_coverage", enforce_csrf_checks=True)
    assert client.post(f"{COVERAGE}count/").status_code == 403


def test_whoever_sees_the_index_finds_it_and_is_shown_no_page_that_refuses(staff: Staff) -> None:
    assert COVERAGE in staff("embeddings.view_coverage").get("/admin/").content.decode()
    assert COVERAGE not in staff("queues.view_queue").get("/admin/queues/queue/").content.decode()
    both = staff("embeddings.view_coverage", "queues.view_queue").get(COVERAGE).content.decode()
    assert 'href="/admin/queues/queue/"' in both.split('class="queue-sections"')[1].split("</nav>")[0]
    alone = staff("embeddings.view_coverage").get(COVERAGE).content.decode()
    assert 'href="/admin/queues/queue/"' not in alone.split('class="queue-sections"')[1].split("</nav>")[0]
