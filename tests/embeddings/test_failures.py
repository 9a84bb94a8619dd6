"""Failures: an entity's own are charged and parked, and no change is lost."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from embeddings import search
from embeddings.models import DirtyEntity
from queues import Job, QueueStats, get_queue, get_queue_stats, signals
from tests.embeddings.conftest import stored, work
from tests.embeddings.failing import work_to_the_end
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_type_whose_rows_cannot_be_read_fails_alone(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from embeddings.registering.registry import registry
    from tests.testapp.models import Document

    Note.objects.create(author=ann, title="fine")
    Document.objects.create(user=ann, text="unreadable")

    def refuse() -> None:
        raise KeyError("no such table")

    monkeypatch.setattr(registry.get("document"), "queryset", refuse)
    work_to_the_end()
    assert {content for _, _, content in stored()} == {"fine"}
    assert [row.entity_type for row in DirtyEntity.objects.parked()] == ["document"]


def test_a_row_that_cannot_tell_whether_it_is_wanted_is_no_hit(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from embeddings.registering.registry import registry

    Note.objects.create(author=ann, title="a")
    work()

    def refuse(note: Note) -> bool:
        raise KeyError("is_hidden")

    monkeypatch.setattr(registry.get("note"), "should_embed", refuse)
    assert search(ann, "a") == []


def test_a_retried_dead_letter_serves_its_parked_row(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from django_rq import get_queue as get_rq_queue

    from embeddings.registering.registry import registry

    Note.objects.create(author=ann, title="unbuildable")
    work_to_the_end()
    (dead,) = get_queue("embeddings").jobs("failed")
    monkeypatch.setattr(registry.get("note"), "content", lambda note: "mended")
    get_rq_queue("embeddings").fetch_job(dead.id).requeue()
    work()
    assert ({content for _, _, content in stored()}, DirtyEntity.objects.count()) == ({"mended"}, 0)
    assert get_queue_stats("embeddings") == QueueStats(completed=1)
