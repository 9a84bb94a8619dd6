"""What a search answers, and what it refuses."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from embeddings import InvalidSearch, NotRegistered, search
from embeddings.exceptions import ProviderUnavailable
from embeddings.models import Embedding
from embeddings.providers.fake import FakeProvider
from tests.embeddings.conftest import work
from tests.testapp.models import Country, Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_entity_comes_once_by_its_best_chunk(ann: User) -> None:
    filler = " ".join(f"Sentence {number} is about something else." for number in range(3000))
    document = Document.objects.create(user=ann, text=filler + " A zebra crossed the river." * 2000)
    work()
    assert Embedding.objects.count() > 2
    (hit,) = search(ann, "a zebra crossed the river", min_similarity=-1)
    assert (hit.entity, hit.chunk_index > 0, "zebra" in hit.content) == (document, True, True)


def test_the_entities_of_a_whole_list_cost_one_query_a_type(ann: User, django_assert_num_queries: Any) -> None:
    for number in range(20):
        Note.objects.create(author=ann, title=f"river number {number}")
        Country.objects.create(code=f"{number:02}", user=ann, name=f"river land {number}")
    work()
    with CaptureQueriesContext(connection) as captured:
        hits = search(ann, "river", limit=40, min_similarity=-1)
    assert len(hits) == 40
    assert len(captured) == 3 + 2, "the active model, the usage, the hits, and one for each of the two types"
    with django_assert_num_queries(0):
        assert {type(hit.entity) for hit in hits} == {Note, Country}


def test_types_and_similarity_narrow_a_search(ann: User) -> None:
    Note.objects.create(author=ann, title="river")
    Country.objects.create(code="RI", user=ann, name="river")
    Note.objects.create(author=ann, title="mountain")
    work()
    assert {hit.entity_type for hit in search(ann, "river")} == {"note", "country"}
    assert [hit.entity_type for hit in search(ann, "river", entity_types=["country"])] == ["country"]
    assert len(search(ann, "river", min_similarity=-1)) == 3
    assert len(search(ann, "river", min_similarity=0.99)) == 2


def test_no_types_are_no_hits_and_cost_no_call(ann: User, provider: FakeProvider) -> None:
    assert search(ann, "river", entity_types=[]) == []
    assert provider.calls == 0


@pytest.mark.parametrize(
    ("query", "options", "sentence"),
    [
        ("", {}, "The query is empty"),
        (" \n\t", {}, "The query is empty"),
        (None, {}, "The query is empty"),
        ("a\x00b", {}, "NUL character"),
        ("half a \ud800 pair", {}, "cannot be embedded"),
        ("river", {"limit": 0}, "limit must be from 1 to 100"),
        ("river", {"limit": 101}, "limit must be from 1 to 100"),
        ("river", {"limit": "5"}, "limit must be from 1 to 100"),
        ("river", {"limit": True}, "limit must be from 1 to 100"),
        ("river", {"min_similarity": 1.1}, "min_similarity must be from -1 to 1"),
        ("river", {"min_similarity": float("nan")}, "min_similarity must be from -1 to 1"),
        ("river", {"min_similarity": "high"}, "min_similarity must be from -1 to 1"),
        ("river", {"entity_types": "note"}, "entity_types must be a list of names"),
    ],
)
def test_what_cannot_be_searched_is_said_in_a_sentence(ann: User, query: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidSearch, match=sentence):
        search(ann, query, **options)


@pytest.mark.parametrize("user", [AnonymousUser(), None, 1, "ann"])
def test_only_a_saved_user_searches(user: Any) -> None:
    with pytest.raises(InvalidSearch, match="for a saved user"):
        search(user, "river")
    with pytest.raises(InvalidSearch, match="for a saved user"):
        search(User(username="unsaved"), "river")


def test_an_unknown_type_is_named(ann: User) -> None:
    with pytest.raises(NotRegistered, match="Unknown entity type 'ship'"):
        search(ann, "river", entity_types=["note", "ship"])


@pytest.mark.parametrize("word", ["river ", "river", "水"])
def test_of_a_query_that_is_too_long_the_beginning_counts(ann: User, provider: FakeProvider, word: str) -> None:
    search(ann, word * 200_000)
    assert 5000 < provider.estimate_tokens(provider.texts[-1]) <= provider.max_input_tokens


def test_a_provider_that_is_away_is_not_the_searchers_fault(ann: User, provider: FakeProvider) -> None:
    provider.go_down()
    with pytest.raises(ProviderUnavailable):
        search(ann, "river")


def test_many_dead_hits_are_read_over_in_few_queries(ann: User) -> None:
    from embeddings import mark_dirty

    Note.objects.bulk_create([Note(author=ann, title="same words", body=str(number)) for number in range(400)])
    mark_dirty(Note.objects.all())
    work()
    last = search(ann, "same words", limit=100)[-1].entity
    Note.objects.exclude(pk=last.pk).update(is_hidden=True)
    with CaptureQueriesContext(connection) as captured:
        assert [hit.entity for hit in search(ann, "same words", limit=1)] == [last]
    assert len(captured) < 20


def test_a_result_cannot_be_changed(ann: User) -> None:
    Note.objects.create(author=ann, title="heart doctor")
    work()
    (hit,) = search(ann, "doctor")
    with pytest.raises(FrozenInstanceError):
        hit.similarity = 1.0  # type: ignore[misc]
