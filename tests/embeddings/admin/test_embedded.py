"""The state of an entity's embedding on its own page, and "embed again"."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client

from embeddings import embeddings_disabled
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import close_queues
from tests.embeddings.admin.conftest import MARKUP, Staff, text_of
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Country, Note, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

RIGHTS = ("testapp.view_note", "testapp.view_country", "embeddings.view_coverage", "embeddings.change_coverage")


@pytest.fixture
def operator(staff: Staff) -> Client:
    return staff(*RIGHTS)


def url_of(obj: Note | Country, page: str = "change") -> str:
    return f"/admin/testapp/{obj._meta.model_name}/{quote(obj.pk)}/{page}/"


def panel(client: Client, obj: Note | Country) -> str:
    html = client.get(url_of(obj)).content.decode()
    return text_of(html.split('<div class="embedding-state">')[1].split("</div>")[0])


def test_an_embedded_entity_shows_when_by_which_model_and_in_how_many_chunks(ann: User, operator: Client) -> None:
    note = Note.objects.create(author=ann, title="the heart doctor")
    work()
    words = panel(operator, note)
    version = EmbeddingState.objects.get().version
    assert words.startswith("embedded Last result Embedded, ")
    assert f"at version {version}" in words
    assert "1 chunk, 6 tokens" in words
    assert "fake: bag-of-words, 256 dimensions" in words


def test_a_changed_entity_is_pending_and_one_that_died_is_parked_with_its_reason(ann: User, operator: Client) -> None:
    note = Note.objects.create(author=ann, title="a")
    assert panel(operator, note).startswith("pending Pending since ")
    DirtyEntity.objects.update(parked_reason=f"ValueError: {MARKUP}", parked_at=Now())
    html = operator.get(url_of(note)).content.decode()
    assert "ValueError: &lt;script&gt;" in html and MARKUP not in html
    assert panel(operator, note).startswith("parked Parked ")


def test_a_failure_is_told_beside_what_is_still_stored(ann: User, operator: Client, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="good")
    work()
    provider.refuse("poison")
    note.title = "poison"
    note.save()
    work()
    words = panel(operator, note)
    assert words.startswith("parked")
    assert "Last result Embedded" in words and "Last failure" in words and "InvalidInput" in words


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"title": "a", "is_hidden": True}, "not embedded: should_embed says no"),
        ({"title": "a", "author": None}, "not embedded: it has no owner"),
        ({"title": ""}, "not embedded: its content is empty"),
    ],
)
def test_what_is_rightly_not_embedded_says_why(ann: User, operator: Client, facts: dict[str, object], words: str) -> None:
    note = Note.objects.create(**{"author": ann, **facts})
    work()
    assert panel(operator, note).startswith(words)


def test_an_entity_that_nobody_looked_at_is_missing_and_one_of_another_recipe_is_stale(ann: User, operator: Client) -> None:
    with embeddings_disabled():
        note = Note.objects.create(author=ann, title="a")
    EmbeddingModel.objects.all().delete()
    words = panel(operator, note)
    assert words.startswith("missing: no worker has looked at it as it is now")
    assert "none yet: the first embedding makes it" in words
    assert not EmbeddingModel.objects.exists()
    note.save()
    work()
    EmbeddingState.objects.update(recipe="of last year")
    assert panel(operator, note).startswith("stale: stored by another recipe")


def test_embed_again_asks_the_provider_even_for_what_is_as_it_was(ann: User, operator: Client, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="the heart doctor")
    work()
    assert provider.calls == 1
    response = operator.post(url_of(note, "embed"), follow=True)
    assert response.redirect_chain == [(url_of(note), 302)]
    assert "will be embedded again" in text_of(response.content.decode())
    assert panel(operator, note).startswith("pending")
    work()
    assert provider.calls == 2
    assert panel(operator, note).startswith("embedded")
    assert [(entry.object_id, entry.change_message) for entry in LogEntry.objects.all()] == [(str(note.pk), "Embedding asked for again.")]


def test_embed_again_takes_up_what_is_parked(ann: User, operator: Client) -> None:
    note = Note.objects.create(author=ann, title="a")
    DirtyEntity.objects.update(parked_reason="ValueError: no", parked_at=Now())
    operator.post(url_of(note, "embed"))
    work()
    assert panel(operator, note).startswith("embedded")
    assert stored() == {("note", str(note.pk), "a")}


def test_without_redis_embed_again_is_owed_all_the_same(ann: User, operator: Client, settings) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    away = {**settings.RQ_QUEUES["embeddings"], "URL": "redis://127.0.0.1:1/0"}
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, "embeddings": away}
    close_queues()
    assert operator.post(url_of(note, "embed")).status_code == 302
    assert panel(operator, note).startswith("pending")


def test_a_key_that_an_address_must_quote_is_found(ann: User, operator: Client, provider: FakeProvider) -> None:
    country = Country.objects.create(code="/_", user=ann, name="Nowhere")
    work()
    assert panel(operator, country).startswith("embedded")
    assert operator.post(url_of(country, "embed"), follow=True).status_code == 200
    work()
    assert provider.calls == 2


def test_embed_again_is_a_post_of_whoever_may_steer_the_index_and_see_the_entity(ann: User, staff: Staff, operator: Client) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    url = url_of(note, "embed")
    assert operator.get(url).status_code == 405
    assert operator.post("/admin/testapp/note/0/embed/").status_code == 404
    assert operator.post("/admin/testapp/note/no-number/embed/").status_code == 404
    assert staff("testapp.view_note", "testapp.change_note", "embeddings.view_coverage").post(url).status_code == 403
    assert staff("embeddings.view_coverage", "embeddings.change_coverage").post(url).status_code == 403
    assert staff(*RIGHTS, enforce_csrf_checks=True).post(url).status_code == 403
    assert not DirtyEntity.objects.exists()
    assert not LogEntry.objects.exists()


def test_the_button_is_for_those_who_may_and_the_state_for_those_who_see_the_index(ann: User, staff: Staff, operator: Client) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    assert "Embed again" in operator.get(url_of(note)).content.decode()
    viewer = staff("testapp.view_note", "embeddings.view_coverage").get(url_of(note)).content.decode()
    assert "embedding-state" in viewer and "Embed again" not in viewer
    assert "embedding-state" not in staff("testapp.change_note").get(url_of(note)).content.decode()


def test_what_should_not_be_embedded_is_offered_no_button(ann: User, operator: Client) -> None:
    note = Note.objects.create(author=ann, title="a", is_hidden=True)
    assert "Embed again" not in operator.get(url_of(note)).content.decode()


def test_the_page_that_adds_an_entity_and_the_form_that_saves_one_are_as_without(ann: User, staff: Staff) -> None:
    editor = staff("testapp.add_note", "testapp.change_note", *RIGHTS)
    page = editor.get("/admin/testapp/note/add/").content.decode()
    assert 'name="title"' in page and "embedding-state" not in page
    note = Note.objects.create(author=ann, title="a")
    assert editor.get(url_of(note)).content.decode().count('class="embedding-state"') == 1
    posted = {"author": ann.pk, "shelf": Shelf.objects.create(name="s").pk, "title": "b", "body": "b", "views": 0, "_save": ""}
    response = editor.post(url_of(note), posted)
    assert response.status_code == 302
    note.refresh_from_db()
    assert note.title == "b"
