"""What did not change is neither embedded nor written again."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from embeddings import Chunking, mark_dirty
from embeddings.indexing import indexer
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState
from embeddings.providers.fake import FakeProvider
from embeddings.registering.registry import registry
from tests.embeddings.conftest import stored, vector_rows, work
from tests.testapp.embeddables import DocumentEmbeddable, NoteEmbeddable
from tests.testapp.models import Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk per sentence of about 50 characters."""
    monkeypatch.setattr(DocumentEmbeddable, "chunking", Chunking(max_tokens=20, overlap_tokens=0))


def sentence(number: int) -> str:
    return f"The sentence number {number:03} speaks of one more thing."


def text_of(*numbers: int) -> str:
    return " ".join(map(sentence, numbers))


def writes() -> int:
    """Rows ever inserted, updated or deleted in the vector table, by PostgreSQL's own count: each update and delete leaves a dead one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables WHERE relname = 'embeddings_embedding'")
        (count,) = cursor.fetchone()
    return int(count)


def save(document: Document, text: str) -> None:
    document.text = text
    document.save()
    work()


@pytest.mark.usefixtures("short_chunks")
def test_only_the_changed_chunk_is_embedded_and_written(ann: User, provider: FakeProvider) -> None:
    document = Document.objects.create(user=ann, text=text_of(1, 2, 3))
    work()
    before = vector_rows()
    assert [row[3] for row in before] == [sentence(1), sentence(2), sentence(3)]
    save(document, text_of(1, 20, 3))
    after = vector_rows()
    assert provider.requests == [[sentence(1), sentence(2), sentence(3)], [sentence(20)]]
    assert [row[3] for row in after] == [sentence(1), sentence(20), sentence(3)]
    assert (after[0], after[2]) == (before[0], before[2]), "no new version of the rows that stay"


@pytest.mark.usefixtures("short_chunks")
def test_moved_chunks_bring_their_vectors_along(ann: User, provider: FakeProvider) -> None:
    document = Document.objects.create(user=ann, text=text_of(1, 2, 3))
    work()
    save(document, text_of(9, 3, 1, 2))
    assert provider.requests[1:] == [[sentence(9)]]
    rows = Embedding.objects.order_by("chunk_index")
    assert [row.content for row in rows] == [sentence(9), sentence(3), sentence(1), sentence(2)]
    for row in rows:
        assert row.embedding == pytest.approx(provider.embed_query(row.content), abs=1e-3)


@pytest.mark.usefixtures("short_chunks")
def test_fewer_chunks_than_before_remove_the_rest(ann: User, provider: FakeProvider) -> None:
    document = Document.objects.create(user=ann, text=text_of(1, 2, 3))
    work()
    before = vector_rows()
    save(document, text_of(1))
    assert (provider.calls, vector_rows()) == (1, before[:1])
    assert EmbeddingState.objects.get().chunks == 1
    save(document, "  ")
    assert (stored(), EmbeddingState.objects.get().chunks) == (set(), 0)


@pytest.mark.usefixtures("short_chunks")
def test_equal_chunks_of_one_text_are_sent_once(ann: User, provider: FakeProvider) -> None:
    Document.objects.create(user=ann, text=text_of(1, 1, 2, 1))
    work()
    assert provider.requests == [[sentence(1), sentence(2)]]
    assert Embedding.objects.count() == 4


def test_new_metadata_with_the_same_content_asks_the_provider_nothing(
    ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Note.objects.create(author=ann, title="the same")
    work()
    monkeypatch.setattr(NoteEmbeddable, "metadata", lambda self, note: {"seen": True})
    note.save()
    work()
    assert (provider.calls, Embedding.objects.get().metadata) == (1, {"seen": True})


def test_a_transfer_of_the_same_content_asks_the_provider_nothing(ann: User, bob: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="the same")
    work()
    vector = Embedding.objects.get().embedding
    note.author = bob
    note.save()
    work()
    moved = Embedding.objects.get()
    assert (provider.calls, moved.user_id, moved.embedding) == (1, bob.pk, vector)


def test_the_vectors_of_another_entity_are_not_taken(ann: User, bob: User, provider: FakeProvider) -> None:
    Note.objects.create(author=ann, title="a secret")
    work()
    other = Note.objects.create(author=bob, title="something else")
    work()
    other.title = "a secret"
    other.save()
    work()
    assert provider.texts == ["a secret", "something else", "a secret"]


def test_unchanged_content_leaves_no_dead_row(ann: User, provider: FakeProvider) -> None:
    for number in range(20):
        Note.objects.create(author=ann, title=f"note {number}")
    work()
    before, count = vector_rows(), writes()
    mark_dirty(Note.objects.all())
    work()
    assert (provider.calls, vector_rows(), writes(), DirtyEntity.objects.count()) == (1, before, count, 0)


def test_what_is_not_to_be_trusted_is_embedded_again_and_written_only_where_it_differs(ann: User, provider: FakeProvider) -> None:
    notes = [Note.objects.create(author=ann, title=title) for title in ("right", "wrong")]
    work()
    before = vector_rows()
    Embedding.objects.filter(entity_id=str(notes[1].pk)).update(embedding=[1.0] + [0.0] * (provider.dimensions - 1))
    EmbeddingState.objects.update(content_hash="")
    mark_dirty(notes)
    work()
    assert sorted(provider.texts) == ["right", "right", "wrong", "wrong"]
    assert vector_rows()[0] == before[0], "an equal vector is not written again"
    assert Embedding.objects.get(content="wrong").embedding == pytest.approx(provider.embed_query("wrong"), abs=1e-3)


def test_a_reuse_whose_source_vanished_meanwhile_is_stored_all_the_same(ann: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    note = Note.objects.create(author=ann, title="the same")
    work()
    store = indexer.store

    def store_after_a_removal(*arguments: Any) -> Any:
        Embedding.objects.all().delete()
        return store(*arguments)

    monkeypatch.setattr(indexer, "store", store_after_a_removal)
    note.author = bob
    note.save()
    work()
    assert Embedding.objects.get().user_id == bob.pk


def test_a_reuse_that_was_overtaken_stores_nothing(ann: User, bob: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    note = Note.objects.create(author=ann, title="the same")
    work()
    store = indexer.store

    def store_after_another_worker(*arguments: Any) -> Any:
        monkeypatch.setattr(indexer, "store", store)
        note.author, note.title = ann, "newer"
        note.save()
        indexer.index([("note", str(note.pk))])
        return store(*arguments)

    monkeypatch.setattr(indexer, "store", store_after_another_worker)
    note.author = bob
    note.save()
    work()
    row = Embedding.objects.get()
    assert (row.user_id, row.content, DirtyEntity.objects.count()) == (ann.pk, "newer", 0)


@pytest.mark.parametrize("changed", ["model", "embeddable", "chunking"])
def test_another_recipe_makes_another_hash_but_equal_chunks_keep_their_vectors(
    ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    Note.objects.create(author=ann, title="the same")
    work()
    before, rows, count = EmbeddingState.objects.get(), vector_rows(), writes()
    if changed == "model":
        EmbeddingModel.objects.update(content_version=2)
    elif changed == "embeddable":
        monkeypatch.setattr(NoteEmbeddable, "content_version", 2)
    else:
        monkeypatch.setattr(NoteEmbeddable, "chunking", Chunking(by="words"))
    mark_dirty(Note.objects.all())
    work()
    after = EmbeddingState.objects.get()
    assert after.content_hash != before.content_hash
    assert after.recipe != before.recipe
    assert (provider.calls, vector_rows(), writes()) == (1, rows, count)


def test_another_model_makes_another_hash(ann: User) -> None:
    from embeddings.indexing.plans import content_hash, recipe_of

    first = EmbeddingModel.objects.active()
    other = EmbeddingModel.objects.create(provider="fake", name="another", dimensions=64, min_similarity=0.1)
    recipe = recipe_of(registry.get("note"), first)
    assert len({content_hash("text", {}, recipe=recipe, model=model) for model in (first, other)}) == 2


def test_nul_and_half_surrogate_pairs_in_content_fail_nobody(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NoteEmbeddable, "content", lambda self, note: f"\x00{note.title}\x00 \ud800\n")
    Note.objects.create(author=ann, title="fine")
    work()
    assert {content for _, _, content in stored()} == {"fine ?"}


def test_content_that_is_no_text_is_the_entitys_own_failure(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NoteEmbeddable, "content", lambda self, note: None)
    Note.objects.create(author=ann, title="fine")
    work()
    assert "returned NoneType, not a str" in EmbeddingState.objects.get().error
