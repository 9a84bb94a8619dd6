"""A real search as a chosen user: what it shows, and of whom."""

from __future__ import annotations

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils.timezone import now

from embeddings.models import DirtyEntity, EmbeddingUsage
from embeddings.providers.fake import FakeProvider
from tests.embeddings.admin.conftest import MARKUP, SEARCH, Staff, text_of
from tests.embeddings.conftest import work
from tests.testapp.models import Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def searcher(staff: Staff) -> Client:
    """Who may search as anybody."""
    return staff("embeddings.view_coverage", "embeddings.search_as_user")


@pytest.fixture
def indexed(ann: User, bob: User) -> None:
    Note.objects.create(author=ann, title="the heart doctor of Ann")
    Note.objects.create(author=bob, title="the heart doctor of Bob")
    Document.objects.create(user=ann, text="a letter to the heart doctor")
    work()


def look(client: Client, status: int = 200, **posted: str | list[str]) -> str:
    response = client.post(SEARCH, {"query": "heart doctor", "limit": "10", **posted})
    assert response.status_code == status
    return response.content.decode().split('id="content-main"')[1]


def test_a_search_as_a_user_finds_what_is_that_users_with_scores_and_links(indexed: None, searcher: Client) -> None:
    page = look(searcher, user="ann")
    text = text_of(page)
    assert "the heart doctor of Ann" in text and "a letter to the heart doctor" in text
    assert "Bob" not in text
    assert re.search(r"2 hits for ann in \d\.\d{3} s, about \d+ tokens; similarity at least 0\.20; fake: bag-of-words", text)
    scores = [float(score) for score in re.findall(r"</progress> (-?\d\.\d{3})", page)]
    assert len(scores) == 2 and scores == sorted(scores, reverse=True) and scores[0] > 0.2
    note = Note.objects.get(author__username="ann")
    assert f'<a href="/admin/testapp/note/{note.pk}/change/">' in page


def test_types_limit_and_similarity_are_those_that_were_asked_for(indexed: None, ann: User, searcher: Client) -> None:
    assert "1 hit for ann" in text_of(look(searcher, user="ann", entity_types=["note"]))
    assert "1 hit for ann" in text_of(look(searcher, user="ann", limit="1"))
    assert "0 hits for ann" in text_of(look(searcher, user="ann", min_similarity="0.99"))
    assert "2 hits for ann" in text_of(look(searcher, user="ann", query="nothing of the kind", min_similarity="-1"))


def test_what_is_not_embedded_yet_is_said_where_nothing_is_found(ann: User, bob: User, searcher: Client) -> None:
    Note.objects.create(author=ann, title="the heart doctor of Ann")
    DirtyEntity.objects.create(entity_type="note", entity_id="no key", version=1, dirtied_at=now(), enqueued_at=now())
    assert "1 entity of ann is not embedded yet" in text_of(look(searcher, user="ann"))
    for posted in ({"user": "bob"}, {"user": "ann", "entity_types": ["document"]}):
        assert "not embedded" not in text_of(look(searcher, **posted))


def test_without_the_right_to_search_as_others_everybody_searches_as_oneself(indexed: None, viewer: Client) -> None:
    assert f"0 hits for {viewer.user.username}" in text_of(look(viewer, user="ann"))
    Note.objects.create(author=viewer.user, title="my heart doctor")
    work()
    assert "1 hit for" in text_of(look(viewer, user="ann"))
    assert not LogEntry.objects.exists()


def test_a_search_as_somebody_else_is_logged_without_what_was_looked_for(indexed: None, searcher: Client) -> None:
    look(searcher, user="ann")
    look(searcher, user=searcher.user.username)
    (entry,) = LogEntry.objects.all()
    assert (entry.user, entry.object_repr, entry.change_message) == (searcher.user, "ann", "Searched as ann: 2 hits.")


def test_its_tokens_count_for_the_user_that_it_was_made_as(indexed: None, ann: User, searcher: Client) -> None:
    def requests() -> int:
        return sum(EmbeddingUsage.objects.filter(owner_id=str(ann.pk)).values_list("requests", flat=True))

    before = requests()
    look(searcher, user="ann")
    assert requests() == before + 1


def test_a_link_fills_in_the_form_and_asks_nobody(indexed: None, searcher: Client, provider: FakeProvider) -> None:
    page = searcher.get(SEARCH, {"query": "heart doctor", "user": "ann", "limit": "3"}).content.decode()
    assert 'value="heart doctor"' in page and 'value="ann"' in page and 'value="3"' in page
    assert provider.calls == 0
    assert "hits" not in page


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"user": "nobody"}, "There is no user nobody."),
        ({"user": MARKUP}, "There is no user &lt;script&gt;alert(1)&lt;/script&gt;."),
        ({"user": "ann\x00"}, "Null characters are not allowed."),
        ({"user": "ann", "query": "  "}, "This field is required."),
        ({"user": "ann", "query": "a\x00"}, "Null characters are not allowed."),
        ({"user": "ann", "limit": "101"}, "less than or equal to 100"),
        ({"user": "ann", "min_similarity": "nan"}, "Enter a number."),
        ({"user": "ann", "min_similarity": "2"}, "less than or equal to 1"),
        ({"user": "ann", "entity_types": ["ship"]}, "ship is not one of the available choices"),
    ],
)
def test_what_cannot_be_searched_for_is_said_beside_the_field(
    indexed: None, searcher: Client, provider: FakeProvider, posted: dict[str, str], words: str
) -> None:
    page = look(searcher, **posted)
    assert words in page and "errorlist" in page
    assert provider.calls == 0
    assert not LogEntry.objects.exists()


def test_a_query_that_the_provider_refuses_is_an_error_of_the_field(indexed: None, searcher: Client, provider: FakeProvider) -> None:
    provider.refuse("poison")
    assert "The query cannot be embedded" in look(searcher, user="ann", query="poison")


def test_a_provider_that_is_down_is_said_in_words_and_is_no_crash(indexed: None, searcher: Client, provider: FakeProvider) -> None:
    provider.go_down()
    text = text_of(look(searcher, status=503, user="ann"))
    assert "The provider does not embed the query, so nothing can be found by it: The fake provider is down." in text


def test_what_was_stored_is_shown_not_run(ann: User, searcher: Client) -> None:
    Note.objects.create(author=ann, title=f"{MARKUP} heart doctor")
    work()
    page = look(searcher, user="ann", query=f"{MARKUP} heart doctor")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; heart doctor" in page
    assert MARKUP not in page


def test_a_search_without_the_token_of_its_form_is_refused(staff: Staff, indexed: None) -> None:
    client = staff("embeddings.view_coverage", enforce_csrf_checks=True)
    assert client.post(SEARCH, {"query": "heart", "limit": "1"}).status_code == 403
