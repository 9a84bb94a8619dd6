"""What is missing or stale, and what is not."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from embeddings import embeddings_disabled
from embeddings.backfill.candidates import candidates
from embeddings.backfill.selection import Selection, targets
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState
from tests.embeddings.conftest import work
from tests.embeddings.registering.registered import instead_of
from tests.testapp.models import Article, Country, Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


def found(entity_type: str = "note", *, force: bool = False, **selection: object) -> list[str]:
    (target,) = targets([entity_type])
    return [entity.entity_id for part in candidates(target, Selection(**selection), force=force) for entity in part]


@pytest.fixture
def note(ann: User) -> Note:
    """Embedded, and in step."""
    note = Note.objects.create(author=ann, title="a")
    work()
    return note


def test_nothing_is_out_of_step_after_the_work(note: Note, ann: User) -> None:
    Document.objects.create(user=ann, text=" ")
    Country.objects.create(code="HU", user=ann, name="Hungary")
    Note.objects.create(author=ann, title="hidden", is_hidden=True)
    Note.objects.create(title="nobody's")
    work()
    assert [found(entity_type) for entity_type in ("note", "document", "country")] == [[], [], []]


def test_a_row_that_no_signal_told_of_is_missing(note: Note, ann: User) -> None:
    Note.objects.bulk_create([Note(author=ann, title="b"), Note(author=ann, title="hidden", is_hidden=True), Note(title="nobody's")])
    assert found() == [str(Note.objects.get(title="b").pk)]


def test_another_recipe_is_stale(note: Note) -> None:
    assert found() == []
    with instead_of("note", owner="author", content=lambda note: note.title, content_version=2):
        assert found() == [str(note.pk)]


def test_empty_content_under_another_recipe_is_stale(ann: User) -> None:
    document = Document.objects.create(user=ann, text=" ")
    work()
    assert found("document") == []
    with instead_of("document", content=lambda document: "now there is some", content_version=2):
        assert found("document") == [str(document.pk)]


def test_vectors_that_vanished_and_chunks_too_many_or_too_few_are_found(note: Note) -> None:
    Embedding.objects.create(**{**vars_of(Embedding.objects.get()), "chunk_index": 1})
    assert found() == [str(note.pk)]
    Embedding.objects.all().delete()
    assert found() == [str(note.pk)]


def vars_of(row: Embedding) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}


def test_vectors_without_a_state_are_found(note: Note) -> None:
    EmbeddingState.objects.all().delete()
    assert found() == [str(note.pk)]


def test_an_owner_changed_behind_the_apps_back_is_found(note: Note, bob: User) -> None:
    Note.objects.update(author=bob)
    assert found() == [str(note.pk)]
    Note.objects.update(author=None)
    assert found() == [str(note.pk)], "its vectors have to go"


def test_what_was_restored_behind_the_apps_back_is_found(note: Note) -> None:
    note.is_hidden = True
    note.save()
    work()
    assert found() == []
    Note.objects.update(is_hidden=False)
    assert found() == [str(note.pk)]


def test_what_failed_and_what_is_parked_is_tried_again_and_what_is_pending_counts_as_owed(ann: User) -> None:
    note = Note.objects.create(author=ann, title="unbuildable")
    (target,) = targets(["note"])
    ((pending,),) = candidates(target, Selection())
    assert (pending.entity_id, pending.is_owed) == (str(note.pk), True)
    DirtyEntity.objects.update(parked_reason="it failed")
    ((parked,),) = candidates(target, Selection())
    assert not parked.is_owed


def test_force_takes_every_row(note: Note, ann: User) -> None:
    assert found(force=True) == [str(note.pk)]


def test_one_owner_by_a_path_or_by_a_field(ann: User, bob: User) -> None:
    with embeddings_disabled():
        mine = Article.objects.create(author=ann, title="a")
        Article.objects.create(author=bob, title="b")
    assert found("article", owner_id=ann.pk) == [str(mine.pk)]


def test_a_thousand_rows_cost_a_handful_of_queries(ann: User) -> None:
    Note.objects.bulk_create([Note(author=ann, title=f"note {number}") for number in range(1500)])
    EmbeddingModel.objects.active()
    with CaptureQueriesContext(connection) as captured:
        assert len(found()) == 1500
    assert len(captured) <= 1 + 2 * 5
