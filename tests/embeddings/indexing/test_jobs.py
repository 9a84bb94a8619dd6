"""generate-embedding and delete-embedding with each operation: whatever they say, the row decides."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from queues import QueueStats, add_job, get_queue, get_queue_stats
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = pytest.mark.parametrize("name", ["generate-embedding", "delete-embedding"])
OPERATIONS = pytest.mark.parametrize("operation", ["create", "update", "delete"])


def add(name: str, operation: str, note_id: int, user_id: int) -> None:
    payload = {"user_id": user_id, "entity_type": "note", "entity_id": str(note_id), "operation": operation}
    add_job("embeddings", name, payload)


@JOBS
@OPERATIONS
def test_a_living_row_is_embedded_for_its_owner(ann: User, bob: User, name: str, operation: str) -> None:
    note = Note.objects.create(author=ann, title="mine")
    get_queue("embeddings").drain()
    for _ in range(2):
        add(name, operation, note.pk, bob.pk)
        work()
    assert list(Embedding.objects.values_list("user_id", "content")) == [(ann.pk, "mine")]
    assert (DirtyEntity.objects.count(), get_queue_stats("embeddings")) == (0, QueueStats(completed=2))


@JOBS
@OPERATIONS
def test_a_row_that_is_gone_is_removed(ann: User, name: str, operation: str) -> None:
    note = Note.objects.create(author=ann, title="mine")
    work()
    note_id = note.pk
    Note.objects.filter(pk=note_id)._raw_delete("default")
    for _ in range(2):
        add(name, operation, note_id, ann.pk)
        work()
    assert (stored(), EmbeddingState.objects.get().status, DirtyEntity.objects.count()) == (set(), "removed", 0)


@OPERATIONS
def test_a_hidden_row_is_removed(ann: User, operation: str) -> None:
    note = Note.objects.create(author=ann, title="mine")
    work()
    Note.objects.filter(pk=note.pk).update(is_hidden=True)
    add("generate-embedding", operation, note.pk, ann.pk)
    work()
    assert stored() == set()


def test_jobs_of_one_entity_in_any_order_and_one_batch_are_one_result(ann: User) -> None:
    note = Note.objects.create(author=ann, title="mine")
    for name in ("delete-embedding", "generate-embedding"):
        for operation in ("delete", "create", "update"):
            add(name, operation, note.pk, ann.pk)
    work()
    assert stored() == {("note", str(note.pk), "mine")}
