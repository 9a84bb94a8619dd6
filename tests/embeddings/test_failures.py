"""Failures: an entity's own are charged and parked, the provider's charge nothing, and no change is lost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from embeddings import search
from embeddings.indexing import batches
from embeddings.indexing.indexer import index
from embeddings.indexing.plans import Plan
from embeddings.indexing.storage import store
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import Job, QueueStats, add_job, get_queue, get_queue_stats, signals
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def promote_all() -> int:
    """Makes the delayed jobs due, as waiting would. Returns how many."""
    from queues.store import scripts

    queue = get_queue("embeddings")
    return int(scripts.promote(queue.connection, "embeddings", queue.job_ids("delayed")))


def work_to_the_end() -> None:
    while work() or promote_all():
        pass


def test_a_failing_item_is_tried_three_times_keeps_its_old_embedding_and_is_parked(ann: User) -> None:
    note = Note.objects.create(author=ann, title="good")
    other = Note.objects.create(author=ann, title="another")
    work()
    note.title = "unbuildable"
    note.save()
    other.title = "the other"
    other.save()
    work()
    assert get_queue_stats("embeddings").delayed == 1
    assert {content for _, _, content in stored()} == {"good", "the other"}, "the other item went on"
    assert DirtyEntity.objects.get().parked_reason == ""
    work_to_the_end()
    (dead,) = get_queue("embeddings").jobs("failed")
    assert (dead.attempts_made, dead.error) == (3, "ValueError: this note has no content")
    assert DirtyEntity.objects.get().parked_reason == "ValueError: this note has no content"
    assert {content for _, _, content in stored()} == {"good", "the other"}


def test_a_parked_row_is_not_swept_and_a_new_save_unparks_it(ann: User) -> None:
    from embeddings.reconciling.sweep import sweep

    note = Note.objects.create(author=ann, title="unbuildable")
    work_to_the_end()
    assert sweep(age=timedelta(0)) == 0
    note.title = "fine"
    note.save()
    assert DirtyEntity.objects.get().parked_reason == ""
    work()
    assert DirtyEntity.objects.count() == 0
    assert [hit.content for hit in search(ann, "fine")] == ["fine"]


def test_a_job_that_dies_for_another_reason_parks_what_it_saw_and_nothing_newer(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a")
    (job,) = get_queue("embeddings").jobs("waiting")

    def die(version: int) -> None:
        died = replace(job, data={**job.data, "version": version}, started_at=timezone.now() + timedelta(hours=1))
        signals.dead.send(sender=Job, job=died, error=RuntimeError("stalled"))

    note.save()
    die(job.data["version"])
    assert DirtyEntity.objects.get().parked_reason == ""
    die(DirtyEntity.objects.get().version)
    assert DirtyEntity.objects.get().parked_reason == "RuntimeError: stalled"


@pytest.mark.parametrize("trouble", ["limit_rate", "go_down", "misconfigure"])
def test_a_provider_in_trouble_charges_no_attempt(ann: User, provider: FakeProvider, trouble: str) -> None:
    for number in range(3):
        Note.objects.create(author=ann, title=f"note {number}")
    getattr(provider, trouble)()
    for _ in range(5):
        work()
        promote_all()
    assert {job.attempts_made for job in get_queue("embeddings").jobs("waiting")} == {0}
    assert get_queue_stats("embeddings") == QueueStats(waiting=3)
    provider.reset()
    work()
    assert len(stored()) == 3


@pytest.mark.parametrize("garbage", ["count", "dimension", "nan", "zero"])
def test_garbage_from_the_provider_is_never_stored(ann: User, provider: FakeProvider, garbage: str) -> None:
    Note.objects.create(author=ann, title="note")
    provider.garbage = garbage  # type: ignore[assignment]
    work()
    assert stored() == set()
    assert get_queue("embeddings").jobs("delayed")[0].attempts_made == 0
    provider.reset()
    promote_all()
    work()
    assert len(stored()) == 1


def test_one_refused_text_fails_alone(ann: User, provider: FakeProvider) -> None:
    for number in range(20):
        Note.objects.create(author=ann, title=f"note {number}")
    Note.objects.create(author=ann, title="poison")
    provider.refuse("poison")
    work_to_the_end()
    assert len(stored()) == 20
    assert [row.parked_reason for row in DirtyEntity.objects.all()] == ["InvalidInput: The fake provider refuses a text."]


def test_an_entity_that_is_too_much_for_the_time_of_a_job_fails_visibly_and_keeps_no_other_waiting(
    ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "max_inputs", 1)
    monkeypatch.setattr(provider, "max_input_tokens", 12)

    def time_is_over_after(texts: Sequence[str]) -> None:
        if "sentence" in texts[0]:
            monkeypatch.setattr(batches, "LEAST_SECONDS", 1000.0)

    provider.during_call = time_is_over_after
    Note.objects.create(author=ann, title="One sentence of some length. Another sentence that is as long. A third sentence too.")
    Note.objects.create(author=ann, title="short")
    work()
    assert {content for _, _, content in stored()} == {"short"}
    jobs = get_queue("embeddings").jobs("delayed")
    assert {(job.error_class, job.attempts_made) for job in jobs} == {("OutOfTime", 1), ("RetryLater", 0)}
    for _ in range(2):
        monkeypatch.setattr(batches, "LEAST_SECONDS", 10.0)
        promote_all()
        work()
    assert DirtyEntity.objects.get().parked_reason.startswith("OutOfTime: Of its 3 chunks only 1 ")


def test_a_failure_of_its_own_is_charged_even_where_the_provider_fails_the_others(ann: User, provider: FakeProvider) -> None:
    for title in ("unbuildable", "fine"):
        Note.objects.create(author=ann, title=title)
    provider.go_down()
    work()
    jobs = get_queue("embeddings").jobs("delayed")
    assert {(job.error_class, job.attempts_made) for job in jobs} == {("ValueError", 1), ("RetryLater", 0)}


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


def test_a_type_whose_rows_cannot_be_read_fails_alone(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from embeddings.capture.registry import registry
    from tests.testapp.models import Document

    Note.objects.create(author=ann, title="fine")
    Document.objects.create(user=ann, text="unreadable")

    def refuse() -> None:
        raise KeyError("no such table")

    monkeypatch.setattr(registry.get("document"), "queryset", refuse)
    work_to_the_end()
    assert {content for _, _, content in stored()} == {"fine"}
    assert [row.entity_type for row in DirtyEntity.objects.parked()] == ["document"]


def test_what_a_provider_was_paid_for_is_kept(ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "max_inputs", 10)

    def stop_after_three(texts: object) -> None:
        if provider.calls == 3:
            provider.limit_rate(retry_after=1)

    provider.during_call = stop_after_three
    for number in range(50):
        Note.objects.create(author=ann, title=f"note {number}")
    work()
    assert len(stored()) == 30
    assert get_queue_stats("embeddings").delayed == 50, "all come back, those served already for a look only"
    provider.reset()
    promote_all()
    work()
    assert (len(stored()), len(provider.texts)) == (50, 20)


def test_a_death_reported_late_does_not_park_the_newer_save(ann: User) -> None:
    from queues.worker.announcer import send
    from queues.worker.claims import Claimer, Room
    from queues.worker.outcomes import failed

    note = Note.objects.create(author=ann, title="a")
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(get_queue("embeddings").connection, [Room(queue="embeddings", units=1)])
    note.title = "b"
    note.save()
    from queues import NonRetryable

    send(failed(unit.claims[0], NonRetryable("died")))
    assert DirtyEntity.objects.get().parked_reason == ""


def test_a_row_that_cannot_tell_whether_it_is_wanted_is_no_hit(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from embeddings.capture.registry import registry

    Note.objects.create(author=ann, title="a")
    work()

    def refuse(note: Note) -> bool:
        raise KeyError("is_hidden")

    monkeypatch.setattr(registry.get("note"), "should_embed", refuse)
    assert search(ann, "a") == []


def test_a_retried_dead_letter_serves_its_parked_row(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_rq import get_queue as get_rq_queue

    from embeddings.capture.registry import registry

    Note.objects.create(author=ann, title="unbuildable")
    work_to_the_end()
    (dead,) = get_queue("embeddings").jobs("failed")
    monkeypatch.setattr(registry.get("note"), "content", lambda note: "mended")
    get_rq_queue("embeddings").fetch_job(dead.id).requeue()
    work()
    assert ({content for _, _, content in stored()}, DirtyEntity.objects.count()) == ({"mended"}, 0)
    assert get_queue_stats("embeddings") == QueueStats(completed=1)
