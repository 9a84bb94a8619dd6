"""From a saved row to a search result."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings

from embeddings import embeddings_disabled, mark_dirty, search
from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import get_queue, get_queue_stats
from tests.clock import quickest
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Country, Document, Note, Shelf

pytestmark = pytest.mark.django_db(transaction=True)

AWAY = {name: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"} for name in ("embeddings", "email-sync", "notifications")}


def found(user: User, query: str) -> list[str]:
    return [hit.content for hit in search(user, query)]


def test_a_saved_note_is_found_by_its_owner_alone(ann: User, bob: User) -> None:
    note = Note.objects.create(author=ann, title="heart doctor appointment")
    assert work() == 1
    (hit,) = search(ann, "doctor for the heart")
    assert (hit.entity_type, hit.entity_id, hit.metadata, hit.entity) == ("note", str(note.pk), {"title": note.title}, note)
    assert 0 < hit.similarity <= 1
    assert search(bob, "doctor for the heart") == []


def test_the_job_names_the_entity(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a")
    (job,) = get_queue("embeddings").jobs("waiting")
    assert job.name == "generate-embedding"
    entity = {"entity_type": "note", "entity_id": str(note.pk)}
    hints = {"user_id": str(ann.pk), "operation": "create", "version": DirtyEntity.objects.get().version}
    assert job.data == {**entity, **hints, "database": "default"}


def test_integer_uuid_and_string_keys_are_embedded(ann: User) -> None:
    document = Document.objects.create(user=ann, text="a contract")
    Country.objects.create(code="HU", user=ann, name="Hungary")
    work()
    assert stored() == {("document", str(document.pk), "a contract"), ("country", "HU", "Hungary")}
    assert search(ann, "Hungary")[0].entity.code == "HU"


def test_a_rolled_back_save_enqueues_nothing(ann: User) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        Note.objects.create(author=ann, title="a")
        raise RuntimeError
    assert DirtyEntity.objects.count() == 0
    assert get_queue_stats("embeddings").waiting == 0


def test_a_rolled_back_savepoint_drops_only_its_own(ann: User) -> None:
    with transaction.atomic():
        Note.objects.create(author=ann, title="kept")
        with pytest.raises(RuntimeError), transaction.atomic():
            Note.objects.create(author=ann, title="dropped")
            raise RuntimeError
    work()
    assert {content for _, _, content in stored()} == {"kept"}


def test_many_saves_before_the_worker_cost_one_embedding(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="0")
    for number in range(1, 5):
        note.title = f"title {number}"
        note.save()
    assert work() == 1
    assert provider.texts == ["title 4"]


def test_a_hundred_notes_are_one_request(ann: User, provider: FakeProvider) -> None:
    with transaction.atomic():
        for number in range(100):
            Note.objects.create(author=ann, title=f"note {number}")
    assert work() == 100
    assert provider.calls == 1


def test_a_save_of_fields_that_do_not_matter_is_not_even_captured(ann: User) -> None:
    note = Note.objects.create(author=ann, title="the same")
    work()
    note.views = 7
    note.save(update_fields=["views"])
    assert work() == 0
    note.author = None
    note.save(update_fields=["author"])
    assert work() == 1, "the owner always counts"


def test_the_second_edit_after_a_completed_embedding_is_stored(ann: User) -> None:
    note = Note.objects.create(author=ann, title="first")
    versions = []
    for title in ("first", "second", "third"):
        note.title = title
        note.save()
        work()
        versions.append(EmbeddingState.objects.get().version)
        assert {content for _, _, content in stored()} == {title}
    assert versions == sorted(set(versions))


def test_deleting_removes_the_embedding_and_search_knows_at_once(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a secret")
    work()
    note.delete()
    assert found(ann, "a secret") == []
    work()
    assert (stored(), EmbeddingState.objects.get().status, DirtyEntity.objects.count()) == (set(), "removed", 0)


def test_what_should_not_be_embedded_goes_and_comes_back(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a secret")
    work()
    note.is_hidden = True
    note.save()
    assert found(ann, "a secret") == []
    work()
    assert stored() == set()
    note.is_hidden = False
    note.save()
    work()
    assert found(ann, "a secret") == ["a secret"]


def test_a_transferred_note_is_never_the_old_owners_again(ann: User, bob: User) -> None:
    note = Note.objects.create(author=ann, title="a secret")
    work()
    note.author = bob
    note.save()
    assert found(ann, "a secret") == []
    work()
    assert (found(ann, "a secret"), found(bob, "a secret")) == ([], ["a secret"])
    assert Embedding.objects.count() == 1


def test_updates_without_signals_never_show_what_is_dead_or_anothers(ann: User, bob: User) -> None:
    for title in ("secret one", "secret two", "secret three"):
        Note.objects.create(author=ann, title=title)
    work()
    Note.objects.filter(title="secret one").update(is_hidden=True)
    Note.objects.filter(title="secret two").update(author=bob)
    assert found(ann, "secret") == ["secret three"]


def test_search_fills_its_limit_behind_dead_hits(ann: User) -> None:
    with transaction.atomic():
        for number in range(30):
            Note.objects.create(author=ann, title="same words", body=str(number))
    work()
    doomed = [hit.entity.pk for hit in search(ann, "same words", limit=20)]
    Note.objects.filter(pk__in=doomed).update(is_hidden=True)
    assert len(search(ann, "same words", limit=10)) == 10


def test_a_changed_shelf_makes_its_notes_stale(ann: User) -> None:
    shelf = Shelf.objects.create(name="cooking")
    Note.objects.create(author=ann, title="soup", shelf=shelf)
    work()
    shelf.name = "kitchen"
    shelf.save()
    work()
    assert {content for _, _, content in stored()} == {"soup on the shelf kitchen"}
    shelf.color = "red"
    shelf.save(update_fields=["color"])
    assert work() == 0
    shelf.delete()
    work()
    assert {content for _, _, content in stored()} == {"soup"}


def test_empty_content_has_no_vector_and_is_never_sent(ann: User, provider: FakeProvider) -> None:
    Document.objects.create(user=ann, text="  ")
    work()
    assert (stored(), provider.calls, EmbeddingState.objects.get().status) == (set(), 0, "empty")


def test_long_content_is_stored_in_chunks_and_found_once(ann: User, provider: FakeProvider) -> None:
    sentences = [f"Sentence number {number} speaks of many things." for number in range(2000)]
    document = Document.objects.create(user=ann, text=" ".join(sentences))
    work()
    chunks = Embedding.objects.order_by("chunk_index")
    assert [chunk.chunk_index for chunk in chunks] == list(range(len(chunks))) and len(chunks) > 3
    assert len(search(ann, "sentence speaks of things", min_similarity=-1)) == 1
    document.text = "short now"
    document.save()
    work()
    assert stored() == {("document", str(document.pk), "short now")}


def test_a_save_while_redis_is_away_succeeds_quickly_and_is_swept_later(ann: User) -> None:
    from datetime import timedelta

    from embeddings.reconciling.sweep import sweep

    def save() -> None:
        with transaction.atomic():
            Note.objects.create(author=ann, title="saved in the dark")
        Note.objects.create(author=ann, title="and in autocommit")

    with override_settings(RQ_QUEUES=AWAY):
        assert quickest(save, times=2) < 0.2
    assert work() == 0
    assert sweep() == 0, "young rows have their job on the way"
    assert sweep(age=timedelta(0)) == 4
    work()
    assert len(found(ann, "saved in the dark and in autocommit")) == 4


def test_no_embedding_in_a_disabled_context_until_marked(ann: User) -> None:
    with embeddings_disabled():
        Note.objects.create(author=ann, title="quiet")
    assert work() == 0
    assert mark_dirty(Note.objects.all()) == 1
    assert work() == 1


def test_fixtures_are_not_captured(ann: User) -> None:
    from django.core import serializers

    data = serializers.serialize("json", [Note(pk=5, author=ann, title="raw")])
    for item in serializers.deserialize("json", data):
        item.save()
    assert (Note.objects.count(), DirtyEntity.objects.count()) == (1, 0)


def test_a_deleted_owner_takes_the_vectors_along(ann: User) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    ann.delete()
    assert Embedding.objects.count() == 0
    work()
    assert DirtyEntity.objects.count() == 0


def test_a_save_outside_of_any_transaction_and_its_dirty_row_are_one_commit(ann: User) -> None:
    from django.db.models.signals import post_save

    def crash(**_: object) -> None:
        raise RuntimeError("the process dies right after the save")

    post_save.connect(crash, sender=Note)
    try:
        with pytest.raises(RuntimeError):
            Note.objects.create(author=ann, title="half saved")
    finally:
        post_save.disconnect(crash, sender=Note)
    assert (Note.objects.count(), DirtyEntity.objects.count()) == (0, 0)


def test_saves_of_a_proxy_and_of_a_child_model_are_saves_of_the_note(ann: User) -> None:
    from tests.testapp.models import LongNote, PinnedNote

    pinned = PinnedNote.objects.create(author=ann, title="pinned")
    long = LongNote.objects.create(author=ann, title="long")
    work()
    assert stored() == {("note", str(pinned.pk), "pinned"), ("note", str(long.pk), "long")}
    pinned.delete()
    long.delete()
    work()
    assert stored() == set()


def test_the_jobs_of_one_user_do_not_hold_up_those_of_another(ann: User) -> None:
    from queues import get_jobs

    bob = User.objects.create_user("bob")
    for number in range(20):
        Note.objects.create(author=ann, title=f"note {number}")
    Note.objects.create(author=bob, title="a single note")
    assert str(bob.pk) in [job.owner for job in get_jobs("embeddings", "waiting", 0, 1)]
