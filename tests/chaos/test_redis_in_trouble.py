"""Redis is the wake-up alone: whatever becomes of it, the dirty row still owes the work, and the sweep finds it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from embeddings import mark_dirty
from embeddings.models import DirtyEntity, Embedding
from queues import get_queue_stats
from tests.chaos.installation import Installation, assert_nothing_was_charged, is_busy
from tests.chaos.truth import assert_index_is_right
from tests.processes import wait_until
from tests.testapp.models import Note, Room, Shelf


def test_redis_killed_between_commit_and_enqueue_fails_no_save_and_the_sweep_serves_it(
    home: Installation, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction.atomic():
        transaction.on_commit(home.redis.kill)  # runs when the rows are committed, and before what enqueues them
        notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(20)]
    assert "did not reach Redis" in caplog.text
    assert DirtyEntity.objects.count() == Note.objects.count() == 20
    notes[0].delete()
    home.redis.start()
    assert not is_busy(), "no job knows of them"
    home.start_workers()
    home.wait_until_served()
    assert_index_is_right()
    assert Embedding.objects.count() == 19
    assert_nothing_was_charged()


def test_a_changed_dependency_while_redis_is_away_fails_no_save_and_is_served_later(home: Installation, ann: User) -> None:
    room = Room.objects.create(name="attic")
    shelf = Shelf.objects.create(name="left", room=room)
    Note.objects.create(author=ann, title="note", shelf=shelf)
    home.start_workers()
    home.wait_until_served()
    home.redis.kill()
    room.name = "cellar"
    room.save()
    home.redis.start()
    home.wait_until_served()
    assert Embedding.objects.get().content == "note on the shelf left in the cellar"
    assert_index_is_right()


def test_more_rows_than_one_call_holds_while_redis_is_away(home: Installation, ann: User) -> None:
    notes = Note.objects.bulk_create([Note(author=ann, title=f"note {number}") for number in range(1500)])
    home.redis.kill()
    assert mark_dirty(notes) == 1500
    home.redis.start()
    home.start_workers()
    home.wait_until_served()
    assert_index_is_right()


def test_redis_emptied_with_work_waiting_and_with_work_under_way(home: Installation, ann: User) -> None:
    for number in range(40):
        Note.objects.create(author=ann, title=f"waiting {number}")
    assert is_busy()
    home.redis.client.flushall()
    assert not is_busy()
    home.start_workers()
    home.wait_until_served()
    with transaction.atomic():
        for number in range(40):
            Note.objects.create(author=ann, title=f"slow {number}")
    wait_until(lambda: get_queue_stats("embeddings").active > 1)
    home.redis.client.flushall()
    home.wait_until_served()
    assert_index_is_right()
    assert Embedding.objects.count() == 80
