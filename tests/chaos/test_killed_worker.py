"""kill -9 in the middle of a batch: another worker does it all, once."""

import time

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from embeddings.models import DirtyEntity, Embedding
from queues import get_queue, get_queue_stats
from tests.processes import StartWorker, wait_until
from tests.testapp.models import Note

SHORT_LEASES = {"QUEUES_LEASE_SECONDS": "10"}
"""Not shorter, for a busy machine: who renews late twice has stalled twice, and what it held is parked."""

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_worker_killed_in_a_batch_loses_nothing_and_nothing_is_stored_twice(start_worker: StartWorker, ann: User) -> None:
    with transaction.atomic():
        notes = [Note.objects.create(author=ann, title=f"slow {number}") for number in range(60)]
    worker = start_worker("embeddings", **SHORT_LEASES)
    wait_until(lambda: get_queue_stats("embeddings").active == 60)
    worker.kill()
    worker.wait()
    killed_at = time.monotonic()
    assert Embedding.objects.count() == 0, "the batch was under way"
    rescuer = start_worker("embeddings", **SHORT_LEASES)
    wait_until(lambda: not DirtyEntity.objects.exists())
    assert time.monotonic() - killed_at < 60
    assert sorted(Embedding.objects.values_list("content", flat=True)) == sorted(note.title for note in notes)
    wait_until(lambda: get_queue_stats("embeddings").completed >= 60)
    assert {job.attempts_made for job in get_queue("embeddings").jobs("completed")} == {1}, "a stall costs no attempt"
    rescuer.terminate()
    assert rescuer.wait(60) == 0


def test_workers_killed_again_and_again_under_saves_and_deletes_leave_the_index_right(start_worker: StartWorker, ann: User) -> None:
    from embeddings.reconciling.reconciler import reconcile
    from embeddings.reconciling.sweep import sweep_all

    hurry = {"DJANGO_SETTINGS_MODULE": "tests.chaos.settings"}
    workers = [start_worker("embeddings", **hurry) for _ in range(2)]
    wait_until(lambda: len(get_queue("embeddings").workers()) == 2)
    for number in range(200):
        note = Note.objects.create(author=ann, title=f"slow note {number}")
        if number % 3 == 0:
            note.title = f"slow note {number} changed"
            note.save()
        if number % 5 == 0:
            note.delete()
        if number % 50 == 25:
            wait_until(lambda: get_queue_stats("embeddings").active)
            workers[0].kill()
            workers = [workers[1], start_worker("embeddings", **hurry)]
    sweep_all()
    wait_until(lambda: not DirtyEntity.objects.exists(), timeout_seconds=120)
    expected = sorted(Note.objects.values_list("title", flat=True))
    assert sorted(Embedding.objects.values_list("content", flat=True)) == expected
    assert all(report.is_right for report in reconcile(dry_run=True))
