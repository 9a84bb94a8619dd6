"""Jobs that come late, twice, or for what was never captured: the row decides."""

import pytest
from django.contrib.auth.models import User

from embeddings.indexing.indexer import index
from embeddings.indexing.plans import Plan
from embeddings.indexing.storage import store
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import QueueStats, add_job, get_queue, get_queue_stats
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_older_version_never_overwrites_a_newer_one(ann: User) -> None:
    note = Note.objects.create(author=ann, title="current")
    work()
    state = EmbeddingState.objects.get()
    model = EmbeddingModel.objects.active()
    late = Plan(
        entity=("note", str(note.pk)),
        version=state.version - 1,
        status="embedded",
        owner_id=ann.pk,
        content_hash="x",
        chunks=["outdated"],
        vectors={"outdated": [1.0] + [0.0] * (model.dimensions - 1)},
    )
    assert store([late], model) == set()
    assert {content for _, _, content in stored()} == {"current"}


def test_a_late_worker_does_not_bring_back_what_was_deleted(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="doomed")
    entity = ("note", str(note.pk))

    def delete_and_serve(texts: object) -> None:
        provider.during_call = None
        Note.objects.get(pk=note.pk).delete()
        index([entity])

    provider.during_call = delete_and_serve
    index([entity])
    assert (stored(), DirtyEntity.objects.count()) == (set(), 0)


def test_payload_hints_never_override_the_row(ann: User, bob: User) -> None:
    note = Note.objects.create(author=ann, title="mine")
    work()
    payload = {"user_id": bob.pk, "entity_type": "note", "entity_id": str(note.pk), "operation": "delete"}
    add_job("embeddings", "generate-embedding", payload)
    add_job("embeddings", "delete-embedding", payload)
    note.save()
    work()
    assert list(Embedding.objects.values_list("user_id", flat=True)) == [ann.pk]


def test_a_job_for_an_entity_that_was_never_captured_embeds_it(ann: User) -> None:
    from embeddings import embeddings_disabled

    with embeddings_disabled():
        notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(3)]
    add_job("embeddings", "generate-embedding", {"user_id": ann.pk, "entity_type": "note", "entity_id": str(notes[0].pk)})
    add_job("embeddings", "bulk-embed", {"user_id": ann.pk, "entity_type": "note", "entity_ids": [str(note.pk) for note in notes[1:]]})
    work()
    assert len(stored()) == 3


def test_a_clean_entity_costs_a_look(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    for _ in range(3):
        index([("note", str(note.pk))])
    assert provider.calls == 1


def test_ids_that_cannot_be_keys_are_served_as_gone(ann: User) -> None:
    add_job("embeddings", "generate-embedding", {"user_id": 1, "entity_type": "note", "entity_id": "no number"})
    add_job("embeddings", "generate-embedding", {"user_id": 1, "entity_type": "nothing", "entity_id": "1"})
    work()
    assert get_queue_stats("embeddings") == QueueStats(completed=2)


def test_ids_that_no_key_can_be_are_refused_when_added() -> None:
    from queues import InvalidPayload

    for entity_id in ("\x00", "x" * 256, ""):
        with pytest.raises(InvalidPayload, match="entity_id"):
            add_job("embeddings", "generate-embedding", {"user_id": 1, "entity_type": "note", "entity_id": entity_id})


def test_a_death_reported_late_does_not_park_the_newer_save(ann: User) -> None:
    from queues.worker.announcer import send
    from queues.worker.claimer import Claimer, Room
    from queues.worker.outcomes import failed

    note = Note.objects.create(author=ann, title="a")
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(get_queue("embeddings").connection, [Room(queue="embeddings", units=1)])
    note.title = "b"
    note.save()
    from queues import NonRetryable

    send(failed(unit.claims[0], NonRetryable("died")))
    assert DirtyEntity.objects.get().parked_reason == ""
