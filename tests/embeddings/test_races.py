"""Two workers, a worker and a saver, a row and its vectors: whatever the order, the index ends up right."""

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from embeddings.indexing import indexer
from embeddings.indexing.indexer import index
from embeddings.indexing.plans import Plan
from embeddings.models import DirtyEntity
from embeddings.providers.fake import FakeProvider
from embeddings.reconciling.cleanup import cleanup
from embeddings.reconciling.sweep import sweep_all
from queues import get_queue_stats
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_content_that_went_and_came_back_while_another_worker_stored_the_one_between(
    ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = Note.objects.create(author=ann, title="one")
    work()
    entity = ("note", str(note.pk))
    note.title = "two"
    note.save()

    def come_back(texts: object) -> None:
        """The slow worker holds "two"; the row is "one" again, and a quick worker finds that unchanged, but is overtaken at the store."""
        provider.during_call = None
        note.title = "one"
        note.save()
        monkeypatch.setattr(indexer, "store", overtaken)
        index([entity])

    store = indexer.store

    overtakings: list[int] = []

    def overtaken(plans: list, model: object) -> object:  # type: ignore[type-arg]
        if plans and plans[0].is_unchanged:
            monkeypatch.setattr(indexer, "store", store)
            vectors = {"two": provider.embed_query("two")}
            version = plans[0].version - 1
            facts = {"owner_id": ann.pk, "content_hash": "of two", "chunks": ["two"], "vectors": vectors}
            store([Plan(entity=entity, version=version, status="embedded", **facts)], model)  # type: ignore[arg-type]
            overtakings.append(version)
        return store(plans, model)  # type: ignore[arg-type]

    provider.during_call = come_back
    index([entity])
    work()
    assert len(overtakings) == 1
    assert stored() == {("note", str(note.pk), "one")}
    assert DirtyEntity.objects.count() == 0


def test_a_worker_never_waits_for_a_saver_that_holds_a_dirty_row(ann: User) -> None:
    """Else the two deadlock over the next row, and the saver's request could be the victim."""
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(2)]
    held, release = threading.Event(), threading.Event()

    def save_slowly() -> None:
        with transaction.atomic():
            notes[0].save()
            held.set()
            release.wait(5)
        connection.close()

    saver = threading.Thread(target=save_slowly)
    saver.start()
    held.wait(5)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        index([("note", str(note.pk)) for note in notes])
        sweep_all()
        assert [row.entity_id for row in DirtyEntity.objects.all()] == [str(notes[0].pk)], "the saver's row stays owed"
    finally:
        release.set()
        saver.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    work()
    assert DirtyEntity.objects.count() == 0


def test_what_the_database_refuses_fails_alone(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.testapp.embeddables import DocumentEmbeddable

    monkeypatch.setattr(DocumentEmbeddable, "metadata", lambda self, document: {"size": float("nan") if document.text == "bad" else 1.0})
    for text in ("good", "bad", "better"):
        Document.objects.create(user=ann, text=text)
    work()
    assert {content for _, _, content in stored()} == {"good", "better"}
    assert get_queue_stats("embeddings").delayed == 1


def test_cleanup_does_not_remove_what_came_back_meanwhile(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from embeddings.reconciling import cleanup as module

    note = Note.objects.create(author=ann, title="back again")
    work()
    Note.objects.filter(pk=note.pk)._raw_delete("default")

    def restore_before(*arguments: object, **options: object) -> object:
        note.save(force_insert=True)
        work()
        return owe(*arguments, **options)  # type: ignore[arg-type]

    owe = module.owe
    monkeypatch.setattr(module, "owe", restore_before)
    (report,) = cleanup(force=True)
    assert (report.orphaned, report.removed) == (1, 0)
    assert {content for _, _, content in stored()} == {"back again"}
