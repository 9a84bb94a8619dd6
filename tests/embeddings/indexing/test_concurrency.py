"""Workers, savers and bulk jobs at the same time, each on a connection of its own: the index ends up right."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection, connections

from embeddings.indexing.bulk import embed_all
from embeddings.indexing.indexer import index
from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import get_queue
from tests.embeddings.conftest import stored, work
from tests.processes import wait_until
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


class Side(threading.Thread):
    """A thread with a database connection of its own; `end()` waits for it and raises what it raised."""

    def __init__(self, call: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.call, self.error = call, None
        self.start()

    def run(self) -> None:
        try:
            self.call()
        except BaseException as error:
            self.error = error  # type: ignore[assignment]
        finally:
            connections.close_all()

    def end(self) -> None:
        self.join(30)
        assert not self.is_alive(), "it hangs"
        if self.error is not None:
            raise self.error


@contextmanager
def slow_worker(provider: FakeProvider, note: Note) -> Iterator[None]:
    """A worker that serves the note hangs in the provider's call while the body runs; afterwards it ends."""
    asked, release = threading.Event(), threading.Event()

    def hang(texts: Sequence[str]) -> None:
        provider.during_call = None
        asked.set()
        release.wait(30)

    provider.during_call = hang
    worker = Side(lambda: index([("note", str(note.pk))]))
    assert asked.wait(10)
    try:
        yield
    finally:
        release.set()
        worker.end()


def owners_and_contents() -> list[tuple[int, str]]:
    return list(Embedding.objects.order_by("pk").values_list("user_id", "content"))


def test_two_workers_on_one_entity_store_it_once(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="once")
    both = threading.Barrier(2)
    provider.during_call = lambda texts: both.wait(10) and None
    workers = [Side(lambda: index([("note", str(note.pk))])) for _ in range(2)]
    for worker in workers:
        worker.end()
    assert provider.calls == 2
    assert (owners_and_contents(), EmbeddingState.objects.count(), DirtyEntity.objects.count()) == ([(ann.pk, "once")], 1, 0)


def test_an_edit_during_the_call_stays_owed(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="before")
    with slow_worker(provider, note):
        note.title = "after"
        note.save()
    assert owners_and_contents() == [(ann.pk, "before")]
    assert DirtyEntity.objects.count() == 1
    work()
    assert (owners_and_contents(), DirtyEntity.objects.count()) == ([(ann.pk, "after")], 0)


def test_a_worker_that_ends_after_the_one_that_served_a_newer_edit_stores_nothing(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="one")
    with slow_worker(provider, note):
        note.title = "two"
        note.save()
        work()
    assert (owners_and_contents(), DirtyEntity.objects.count()) == ([(ann.pk, "two")], 0)


def test_a_worker_that_ends_after_a_transfer_gives_the_old_owner_nothing(ann: User, bob: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="a secret")
    with slow_worker(provider, note):
        note.author = bob
        note.save()
        work()
    assert (owners_and_contents(), DirtyEntity.objects.count()) == ([(bob.pk, "a secret")], 0)


def test_a_worker_that_ends_after_a_deletion_brings_nothing_back(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="doomed")
    with slow_worker(provider, note):
        Note.objects.get(pk=note.pk).delete()
        work()
    assert (owners_and_contents(), EmbeddingState.objects.get().status, DirtyEntity.objects.count()) == ([], "removed", 0)


def test_a_worker_that_fails_after_another_succeeded_leaves_no_note(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="poison")
    provider.refuse("poison")
    with slow_worker(provider, note):
        note.title = "fine"
        note.save()
        work()
    state = EmbeddingState.objects.get()
    assert (state.error, owners_and_contents()) == ("", [(ann.pk, "fine")])


def test_bulk_and_single_workers_and_savers_at_once(ann: User, bob: User, provider: FakeProvider) -> None:
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(120)]
    entities = [("note", str(note.pk)) for note in notes]
    provider.latency_seconds = 0.01
    is_over = threading.Event()

    def save() -> None:
        chance = random.Random(5)
        for round_number in range(150):
            note = Note.objects.get(pk=chance.choice(notes).pk)
            note.title = chance.choice(["same", f"edit {round_number}"])
            note.author = chance.choice([ann, bob])
            note.is_hidden = chance.random() < 0.1
            note.save()

    def embed_in_bulk() -> None:
        while not is_over.is_set():
            embed_all(entities, using="default", owner_id="", report=lambda percent: None)

    def embed_single() -> None:
        while not is_over.is_set():
            for start in range(0, len(entities), 10):
                index(entities[start : start + 10])

    workers = [Side(embed_in_bulk), Side(embed_in_bulk), Side(embed_single)]
    saver = Side(save)
    saver.end()
    is_over.set()
    for worker in workers:
        worker.end()
    work()
    wanted = {("note", str(note.pk), note.title, note.author_id) for note in Note.objects.filter(is_hidden=False)}
    assert set(Embedding.objects.values_list("entity_type", "entity_id", "content", "user_id")) == wanted
    assert (Embedding.objects.count(), DirtyEntity.objects.count()) == (len(wanted), 0)


def other_connection() -> psycopg.Connection[Any]:
    return psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.ClientCursor})


def create_two(ann: User) -> list[Note]:
    """In the order in which a worker writes their states, which is that of their ids as text."""
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(2)]
    return sorted(notes, key=lambda note: str(note.pk))


def lock_state(other: psycopg.Connection[Any], note: Note) -> None:
    other.execute("SELECT 1 FROM embeddings_embeddingstate WHERE entity_id = %s FOR UPDATE", [str(note.pk)])


def cross(other: psycopg.Connection[Any], first: Note) -> None:
    """Makes it a deadlock once the worker holds the first row and waits for the second. The worker's side finds out, which else is the one
    whose timer is served first."""
    other.execute("SET deadlock_timeout = '1min'")
    wait_until(waits_for_a_lock)
    lock_state(other, first)


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def waits_for_a_lock() -> bool:
    with other_connection() as look:
        row = look.execute(WAITING).fetchone()
        return bool(row and row[0])


def assert_put_back_uncharged_and_then_served(reason: str, contents: set[str]) -> None:
    jobs = get_queue("embeddings").jobs("delayed")
    assert {(job.attempts_made, reason in job.error) for job in jobs} == {(0, True)}
    for job in jobs:
        job.promote()
    work()
    assert ({content for _, _, content in stored()}, DirtyEntity.objects.count()) == (contents, 0)


def test_a_deadlock_is_nobodys_failure(ann: User) -> None:
    first, second = notes = create_two(ann)
    work()
    for note in notes:
        note.title += " edited"
        note.save()
    with other_connection() as other:
        lock_state(other, second)
        crossing = Side(lambda: cross(other, first))
        work()
        crossing.end()
        other.rollback()
    assert_put_back_uncharged_and_then_served("deadlock detected", {"note 0 edited", "note 1 edited"})


def test_a_serialization_failure_is_nobodys_failure(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    note.title = "b"
    note.save()
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'repeatable read'")
    try:
        with other_connection() as other:
            other.execute("UPDATE embeddings_embeddingstate SET tokens = tokens + 1")

            def commit() -> None:
                wait_until(waits_for_a_lock)
                other.commit()

            committing = Side(commit)
            work()
            committing.end()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET default_transaction_isolation")
    assert_put_back_uncharged_and_then_served("could not serialize", {"b"})


def test_a_bulk_job_in_a_deadlock_comes_back_uncharged(ann: User) -> None:
    from queues import add_job

    first, second = notes = create_two(ann)
    work()
    Note.objects.update(title="edited")
    add_job("embeddings", "bulk-embed", {"user_id": ann.pk, "entity_type": "note", "entity_ids": [str(note.pk) for note in notes]})
    with other_connection() as other:
        lock_state(other, second)
        crossing = Side(lambda: cross(other, first))
        work()
        crossing.end()
        other.rollback()
    assert_put_back_uncharged_and_then_served("deadlock detected", {"edited"})
