"""bulk-embed: any number of ids, several requests at a time, what is unchanged left alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.dispatch import receiver
from django.test import override_settings

from embeddings import embeddings_disabled, mark_dirty, retry_parked
from embeddings.indexing.indexer import index
from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from embeddings.owing.giving_way import owe_missing
from embeddings.providers.fake import FakeProvider
from queues import Job, add_job, get_job, get_queue, signals
from queues.testing import run_jobs
from tests.embeddings.conftest import stored, work
from tests.embeddings.indexing.bulks import add_bulk, create_quietly
from tests.processes import wait_until
from tests.testapp.embeddables import NoteEmbeddable
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def progress() -> Any:
    """The percents that jobs report, in order."""
    heard: list[Any] = []

    @receiver(signals.progressed, weak=False, dispatch_uid="tests.progress")
    def hear(progress: Any, **_: Any) -> None:
        heard.append(progress)

    yield heard
    signals.progressed.disconnect(dispatch_uid="tests.progress", sender=None)


def test_a_bulk_job_serves_its_ids_itself(ann: User, provider: FakeProvider) -> None:
    job = add_bulk(ann, create_quietly(ann, 250))
    assert work() == 1
    assert (len(stored()), DirtyEntity.objects.count(), get_job(job.id).progress) == (250, 0, 100)
    assert sorted(map(len, provider.requests)) == [50, 100, 100]


def test_above_a_thousand_it_cuts_itself_and_owes_everything_first(ann: User) -> None:
    add_bulk(ann, create_quietly(ann, 2100))
    queue = get_queue("embeddings")
    seen: list[tuple[int, list[int]]] = []

    @receiver(signals.completed, sender=Job, weak=False, dispatch_uid="tests.cut")
    def look(**_: Any) -> None:
        seen.append((DirtyEntity.objects.count(), sorted(len(job.data["entity_ids"]) for job in queue.jobs("waiting"))))

    try:
        assert work() == 4
    finally:
        signals.completed.disconnect(dispatch_uid="tests.cut", sender=Job)
    assert seen[0] == (2100, [100, 1000, 1000])
    assert (len(stored()), DirtyEntity.objects.count()) == (2100, 0)


def test_five_requests_are_under_way_at_a_time_in_threads_without_a_database(ann: User, provider: FakeProvider) -> None:
    """No request ends before five have begun, and a sixth never does."""
    five, lock = threading.Barrier(5), threading.Lock()
    at_once = most = 0
    opened: list[Any] = []

    def meet(texts: Sequence[str]) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        five.wait(20)
        with lock:
            at_once -= 1
            opened.extend(connections.all(initialized_only=True))

    provider.during_call = meet
    add_bulk(ann, create_quietly(ann, 1000))
    work()
    assert (most, provider.calls, len(stored()), opened) == (5, 10, 1000, [])


@override_settings(EMBEDDINGS_REQUESTS_IN_FLIGHT=1)
def test_with_one_request_in_flight_no_thread_is_needed(ann: User, provider: FakeProvider) -> None:
    threads: set[str] = set()
    provider.during_call = lambda texts: threads.add(threading.current_thread().name)
    add_bulk(ann, create_quietly(ann, 250))
    work()
    assert (threads, len(stored())) == ({threading.current_thread().name}, 250)


def test_progress_rises_to_a_hundred_percent(ann: User, progress: list[int]) -> None:
    ids = create_quietly(ann, 400)
    add_bulk(ann, ids)
    work()
    assert len(progress) > 3
    assert progress == sorted(progress)
    assert progress[-1] == 100
    progress.clear()
    add_bulk(ann, ids)
    work()
    assert progress[0] < progress[-1] == 100, "unchanged ones count as well"
    progress.clear()
    add_bulk(ann, [])
    work()
    assert progress == [100]


def test_results_are_stored_as_they_come(ann: User, provider: FakeProvider) -> None:
    """The first of five requests hangs until the others are stored."""
    first = threading.Lock()
    late = threading.Event()

    def hang(texts: Sequence[str]) -> None:
        if first.acquire(blocking=False):
            late.wait(10)

    def look() -> None:
        wait_until(lambda: Embedding.objects.count() == 400)
        late.set()
        connections.close_all()

    provider.during_call = hang
    watcher = threading.Thread(target=look)
    watcher.start()
    add_bulk(ann, create_quietly(ann, 500))
    work()
    watcher.join()
    assert late.is_set() and Embedding.objects.count() == 500


def test_ids_asked_for_by_hand_are_compared_with_their_rows(ann: User, provider: FakeProvider) -> None:
    """An update without signals owes nothing; who asks for it by id means it."""
    ids = create_quietly(ann, 3)
    add_bulk(ann, ids)
    work()
    Note.objects.filter(pk__in=ids).update(title="changed without a signal")
    add_bulk(ann, ids[:2])
    add_job("embeddings", "generate-embedding", {"user_id": ann.pk, "entity_type": "note", "entity_id": ids[2]})
    work()
    assert {content for _, _, content in stored()} == {"changed without a signal"}


def test_what_was_captured_and_served_before_its_bulk_job_ran_is_not_owed_again(ann: User) -> None:
    create_quietly(ann, 1001)
    mark_dirty(Note.objects.all())
    index(("note", str(pk)) for pk in Note.objects.values_list("pk", flat=True))
    versions = list(EmbeddingState.objects.order_by("pk").values_list("version", flat=True))
    assert (work(), DirtyEntity.objects.count()) == (2, 0)
    assert list(EmbeddingState.objects.order_by("pk").values_list("version", flat=True)) == versions


def test_a_parked_entity_asked_for_by_hand_is_tried_again(ann: User) -> None:
    ids = create_quietly(ann, 1)
    owe_missing([("note", ids[0])], using="default")
    DirtyEntity.objects.update(parked_reason="ValueError: it was broken")
    add_bulk(ann, ids)
    work()
    assert (len(stored()), DirtyEntity.objects.count()) == (1, 0)


@pytest.mark.django_db(databases=["default", "other"], transaction=True)
@override_settings(EMBEDDINGS_DATABASES=("default", "other"))
def test_rows_of_another_database_are_served_and_retried_there(monkeypatch: pytest.MonkeyPatch) -> None:
    eve = User.objects.using("other").create(username="eve")
    with embeddings_disabled():
        notes = [Note.objects.using("other").create(author=eve, title=title) for title in ("there", "unbuildable")]
    ids = [str(note.pk) for note in notes]
    payload = {"user_id": eve.pk, "entity_type": "note", "entity_ids": ids, "database": "other"}
    add_job("embeddings", "bulk-embed", payload)
    run_jobs("embeddings", delayed=True)
    assert list(Embedding.objects.using("other").values_list("content", flat=True)) == ["there"]
    assert EmbeddingState.objects.using("other").get(status="failed").error_class == "ValueError"
    monkeypatch.setattr(NoteEmbeddable, "content", lambda self, note: note.title)
    assert (retry_parked(using="default"), retry_parked(using="other")) == (0, 1)
    work()
    assert Embedding.objects.using("other").count() == 2
    assert (Embedding.objects.count(), DirtyEntity.objects.using("other").count()) == (0, 0)
