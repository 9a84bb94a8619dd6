"""What is similar to an entity."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from embeddings import InvalidSearch, NotRegistered, find_similar
from embeddings.models import Embedding
from embeddings.providers.fake import FakeProvider
from tests.embeddings.conftest import work
from tests.testapp.models import Article, Attachment, Country, Document, LongNote, Note, PinnedNote, Room

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def note(ann: User, bob: User) -> Note:
    """Ann's, among other entities of hers and of Bob's."""
    note = Note.objects.create(author=ann, title="the long river")
    Note.objects.create(author=ann, title="a river, long and deep")
    Note.objects.create(author=ann, title="mountain")
    Country.objects.create(code="RI", user=ann, name="the long river land")
    Note.objects.create(author=bob, title="the long river")
    work()
    return note


def contents(hits: list[Any]) -> list[str]:
    return [hit.content for hit in hits]


def test_the_most_similar_come_first_without_the_entity_itself_and_of_its_owner_alone(note: Note, provider: FakeProvider) -> None:
    hits = find_similar(note)
    assert contents(hits) == ["the long river land", "a river, long and deep"]
    assert [type(hit.entity) for hit in hits] == [Country, Note]
    assert (provider.calls, 0 < hits[0].similarity < 1) == (0, True)


def test_it_is_narrowed_as_a_search_is(note: Note) -> None:
    assert contents(find_similar(note, limit=1)) == ["the long river land"]
    assert contents(find_similar(note, entity_types=["note"])) == ["a river, long and deep"]
    assert len(find_similar(note, min_similarity=-1)) == 3
    assert find_similar(note, min_similarity=0.999) == []
    assert find_similar(note, entity_types=[]) == []


def test_what_died_or_moved_since_is_left_out_before_any_worker_ran(note: Note, bob: User) -> None:
    Country.objects.update(user=bob)
    Note.objects.filter(title="a river, long and deep").update(is_hidden=True)
    assert find_similar(note) == []


def test_the_nearest_of_several_chunks_counts_on_either_side(ann: User) -> None:
    filler = " ".join(f"Sentence {number} is about something else." for number in range(3000))
    long = Document.objects.create(user=ann, text=filler + " A zebra crossed the river." * 2000)
    other = Document.objects.create(user=ann, text=filler.replace("else", "other") + " The zebra crossed a river." * 2000)
    short = Note.objects.create(author=ann, title="A zebra crossed the river.")
    work()
    assert Embedding.objects.filter(entity_id=str(long.pk)).count() > 2
    hits = find_similar(long, min_similarity=-1)
    assert {hit.entity for hit in hits} == {other, short} and len(hits) == 2
    (hit,) = find_similar(short, entity_types=["document"], limit=1, min_similarity=-1)
    assert (hit.chunk_index > 0, "zebra" in hit.content, hit.similarity > 0.5) == (True, True, True)


def test_an_entity_that_is_not_indexed_hidden_gone_or_ownerless_has_none(note: Note, ann: User) -> None:
    fresh = Note.objects.create(author=ann, title="the long river")
    assert find_similar(fresh) == []
    ownerless = Note.objects.create(title="the long river")
    assert find_similar(ownerless) == []
    Note.objects.filter(pk=note.pk).update(is_hidden=True)
    assert find_similar(note) == []
    Note.objects.filter(pk=note.pk)._raw_delete("default")
    assert find_similar(note) == []


def test_an_instance_from_before_a_transfer_shows_neither_owners_entities(note: Note, bob: User) -> None:
    Note.objects.filter(pk=note.pk).update(author=bob)
    assert find_similar(note) == []
    assert find_similar(Note.objects.get(pk=note.pk)) == [], "the index has not followed yet"


def test_a_user_who_asks_must_be_the_owner(note: Note, ann: User, bob: User) -> None:
    assert len(find_similar(note, user=ann)) == 2
    with pytest.raises(InvalidSearch, match="does not belong to the user who asks"):
        find_similar(note, user=bob)
    with pytest.raises(InvalidSearch, match="for a saved user"):
        find_similar(note, user=AnonymousUser())


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": 101}, {"min_similarity": 2}, {"entity_types": "note"}])
def test_options_out_of_range_are_refused(note: Note, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidSearch):
        find_similar(note, **options)


def test_unsaved_and_unregistered_objects_are_refused(ann: User) -> None:
    with pytest.raises(InvalidSearch, match="never saved"):
        find_similar(Note(author=ann, title="a"))
    with pytest.raises(NotRegistered, match=r"testapp\.Room"):
        find_similar(Room(name="a"))
    note = Note.objects.create(author=ann, title="a")
    with pytest.raises(NotRegistered, match="ship"):
        find_similar(note, entity_types=["ship"])


def test_proxies_and_children_are_the_notes_that_they_are(note: Note, ann: User) -> None:
    pinned = PinnedNote.objects.get(pk=note.pk)
    assert contents(find_similar(pinned)) == contents(find_similar(note))
    long = LongNote.objects.create(author=ann, title="the long river")
    work()
    assert find_similar(long)[0].entity_id == str(note.pk)


def test_an_owner_by_a_path_is_followed_and_may_be_gone(ann: User) -> None:
    article = Article.objects.create(author=ann, title="the river")
    attachment = Attachment.objects.create(article=article, name="the river")
    work()
    assert [hit.entity for hit in find_similar(attachment)] == [article]
    attachment = Attachment.objects.get()
    article.delete()
    assert find_similar(attachment) == []


def test_a_whole_list_costs_one_query_a_type(ann: User) -> None:
    for number in range(20):
        Note.objects.create(author=ann, title=f"river number {number}")
        Country.objects.create(code=f"{number:02}", user=ann, name=f"river land {number}")
    work()
    note = Note.objects.first()
    with CaptureQueriesContext(connection) as captured:
        assert len(find_similar(note, limit=50, min_similarity=-1)) == 39
    assert len(captured) == 3 + 2, "the active model, the entity itself, its neighbours, and one for each of the two types"


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
@override_settings(EMBEDDINGS_DATABASES=("default", "other"))
def test_each_database_has_its_own_neighbours(note: Note) -> None:
    eve = User.objects.db_manager("other").create_user("eve")
    there = [Note.objects.using("other").create(author_id=eve.pk, title=title) for title in ("the long river", "a long river")]
    work()
    assert [hit.entity for hit in find_similar(there[0])] == [there[1]]
    assert [hit.entity._state.db for hit in find_similar(there[0])] == ["other"]
    there[0]._state.db = "replica"
    assert find_similar(there[0], using="other")[0].entity == there[1]
