"""The pages of the index in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from playwright.sync_api import Page, expect

from embeddings.models import DirtyEntity, EmbeddingModel
from queues.testing import run_jobs
from tests.browser.conftest import Login
from tests.browser.looks import CORNERS, OTHERS, check_every_look
from tests.processes import StartWorker
from tests.testapp.models import Note

COVERAGE = "/admin/embeddings/coverage/"
SEARCH = f"{COVERAGE}search/"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann")


@pytest.fixture
def note(ann: User) -> Note:
    """Embedded, beside one that is parked."""
    note = Note.objects.create(author=ann, title="the heart doctor")
    run_jobs("embeddings")
    parked = Note.objects.create(author=ann, title="never")
    DirtyEntity.objects.filter(entity_id=str(parked.pk)).update(parked_reason="ValueError: no content", parked_at=Now())
    return note


def trouble() -> None:
    """The provider is in trouble, as its next job finds."""
    provider = EmbeddingModel.objects.active().get_provider()
    provider.misconfigure()  # type: ignore[attr-defined]
    Note.objects.create(author=User.objects.get(username="ann"), title="waits")
    run_jobs("embeddings")
    provider._forget()  # type: ignore[attr-defined]


def test_the_coverage_page_is_accessible_in_all_that_it_can_show(page: Page, login: Login, note: Note) -> None:
    login()
    trouble()
    page.goto(COVERAGE)
    expect(page.get_by_role("row", name=re.compile("^note "))).to_contain_text(["1 of 3 (33 %)", "ValueError: no content"])
    expect(page.get_by_role("row", name="fake: bag-of-words")).to_contain_text("cut off: the circuit is open")
    check_every_look(page, looks=CORNERS)


def test_the_search_page_is_accessible_with_hits_and_with_errors(page: Page, login: Login, note: Note) -> None:
    login()
    page.goto(SEARCH)
    search_as(page, "nobody")
    expect(page.get_by_text("There is no user nobody.")).to_be_visible()
    check_every_look(page, looks=CORNERS)
    search_as(page, "ann")
    expect(page.get_by_role("status")).to_contain_text("1 hit for ann")
    check_every_look(page, looks=CORNERS)


def test_an_entitys_own_page_is_accessible(page: Page, login: Login, note: Note) -> None:
    login()
    page.goto(f"/admin/testapp/note/{note.pk}/change/")
    expect(page.locator(".embedding-state")).to_contain_text("1 chunk")
    page.expected_faults += ["Applying inline style", "(index 0)"]  # type: ignore[attr-defined]  # axe's own; other tests load this page
    check_every_look(page, stock=OTHERS)


def test_a_search_as_a_user_shows_the_score_and_leads_to_the_entity(page: Page, login: Login, note: Note) -> None:
    login()
    page.goto(COVERAGE)
    page.get_by_role("link", name="Search", exact=True).click()
    search_as(page, "ann")
    row = page.get_by_role("row", name=re.compile("the heart doctor"))
    expect(row).to_contain_text(re.compile(r"0\.\d{3}|1\.000"))
    row.get_by_role("link").click()
    expect(page.locator(".embedding-state")).to_contain_text("embedded")


def test_embed_again_is_pending_until_a_worker_comes_and_embedded_then(
    page: Page, login: Login, note: Note, start_worker: StartWorker
) -> None:
    login()
    page.goto(f"/admin/testapp/note/{note.pk}/change/")
    state = page.locator(".embedding-state strong")
    expect(state).to_have_text("embedded")
    page.get_by_role("button", name="Embed again").click()
    expect(page.get_by_text("will be embedded again")).to_be_visible()
    expect(state).to_have_text("pending")
    start_worker("embeddings")

    def is_embedded() -> None:
        page.reload()
        expect(state).to_have_text("embedded", timeout=500)

    until(is_embedded)


def test_a_count_and_a_retry_of_what_is_parked_are_done_by_a_worker(
    page: Page, login: Login, note: Note, start_worker: StartWorker
) -> None:
    login()
    page.goto(COVERAGE)
    expect(page.get_by_text("was not made yet")).to_be_visible()
    page.get_by_role("button", name="Count now").click()
    expect(page.get_by_text("Everything is counted now, by the job")).to_be_visible()
    page.get_by_role("button", name=re.compile("Retry note")).click()
    expect(page.get_by_text("1 parked change is taken up again.")).to_be_visible()
    start_worker("embeddings")

    def is_done() -> None:
        page.goto(COVERAGE)
        expect(page.get_by_role("row", name=re.compile("^note ")).first).to_contain_text("2 of 2 (100 %)", timeout=500)
        expect(page.get_by_text(re.compile(r"as of \d+ seconds? ago"))).to_be_visible(timeout=500)

    until(is_done)


def test_a_provider_that_was_left_alone_is_tried_now(page: Page, login: Login, note: Note) -> None:
    login()
    trouble()
    page.goto(COVERAGE)
    page.get_by_role("button", name="Try now").click()
    expect(page.get_by_role("row", name="fake: bag-of-words")).to_contain_text("serving")


def search_as(page: Page, name: str) -> None:
    page.get_by_label("What to look for").fill("heart doctor")
    page.get_by_label("As the user").fill(name)
    page.get_by_role("button", name="Search").click()


def until(check: Callable[[], None], tries: int = 40) -> None:
    """Looks again until it is so, as a person does."""
    for _ in range(tries):
        try:
            return check()
        except AssertionError:
            continue
    check()
