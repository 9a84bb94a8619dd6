"""bulk-embed: any number of ids, several requests at a time, and nothing lost whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.dispatch import receiver
from django.test import override_settings

from embeddings import embeddings_disabled, mark_dirty, retry_parked
from embeddings.indexing import bulk
from embeddings.indexing.indexer import index
from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from embeddings.owing.giving_way import owe_missing
from embeddings.providers.fake import FakeProvider
from queues import Job, QueueStats, add_job, cancel_job, get_job, get_queue, get_queue_stats, register_worker, signals
from queues.testing import run_jobs
from tests.embeddings.conftest import stored, vector_rows, work
from tests.processes import wait_until
from tests.testapp.embeddables import NoteEmbeddable
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def create_quietly(ann: User, count: int, title: str = "note") -> list[str]:
    with embeddings_disabled():
        notes = Note.objects.bulk_create([Note(author=ann, title=f"{title} {number}") for number in range(count)])
    return [str(note.pk) for note in notes]


def add_bulk(ann: User, ids: Sequence[str]) -> Job:
    return add_job("embeddings", "bulk-embed", {"user_id": ann.pk, "entity_type": "note", "entity_ids": list(ids)})


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


def test_one_that_fails_gets_a_job_of_its_own(ann: User, provider: FakeProvider) -> None:
    ids = create_quietly(ann, 150)
    Note.objects.filter(pk=ids[3]).update(title="unbuildable")
    Note.objects.filter(pk=ids[70]).update(title="poison")
    provider.refuse("poison")
    job = add_bulk(ann, ids)
    work()
    assert len(stored()) == 148
    assert get_job(job.id).state == "completed"
    failed = {j.data["entity_id"]: j for state in ("delayed", "failed") for j in get_queue("embeddings").jobs(state)}
    assert {(j.name, entity_id, j.data["user_id"], j.attempts_made, j.state) for entity_id, j in failed.items()} == {
        ("generate-embedding", ids[3], str(ann.pk), 1, "delayed"),
        ("generate-embedding", ids[70], str(ann.pk), 1, "failed"),
    }
    assert {state.error_class for state in EmbeddingState.objects.exclude(error="")} == {"ValueError", "InvalidInput"}


def test_a_type_whose_rows_cannot_be_read_becomes_single_jobs(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from embeddings.registering.registry import registry

    def refuse() -> None:
        raise KeyError("no such table")

    job = add_bulk(ann, create_quietly(ann, 5))
    monkeypatch.setattr(registry.get("note"), "queryset", refuse)
    work()
    assert get_job(job.id).state == "completed"
    assert get_queue_stats("embeddings").delayed == 5


@pytest.mark.parametrize("trouble", ["limit_rate", "go_down", "misconfigure"])
def test_a_provider_in_trouble_puts_the_job_back_uncharged_with_what_was_stored_kept(
    ann: User, provider: FakeProvider, trouble: str
) -> None:
    ids = create_quietly(ann, 600)

    def stop(texts: Sequence[str]) -> None:
        if provider.calls >= 2:
            getattr(provider, trouble)()

    provider.during_call = stop
    job = add_bulk(ann, ids)
    work()
    before, states = vector_rows(), set(EmbeddingState.objects.values_list("entity_id", "version"))
    put_back = get_job(job.id)
    assert (put_back.state, put_back.attempts_made, put_back.error_class) == ("delayed", 0, "Unfinished")
    assert 0 < len(before) < 600 and len(before) % 100 == 0
    assert DirtyEntity.objects.count() == 600 - len(before)
    provider.reset()
    job.promote()
    work()
    assert len(stored()) == 600
    assert sum(map(len, provider.requests)) == 600 - len(before), "only what was left is asked for"
    assert states <= set(EmbeddingState.objects.values_list("entity_id", "version")), "what was served is not owed again"


def test_a_job_that_runs_out_of_time_goes_on_where_it_was(ann: User, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run gets one request done, however short its time is."""
    monkeypatch.setattr(bulk, "SERVE_SECONDS", 0.0)
    job = add_bulk(ann, create_quietly(ann, 300))
    for done in (100, 200):
        work()
        put_back = get_job(job.id)
        assert (put_back.state, put_back.attempts_made) == ("delayed", 0)
        assert "the rest follows" in put_back.error
        assert (len(stored()), DirtyEntity.objects.count()) == (done, 300 - done)
        job.promote()
    work()
    assert (get_job(job.id).state, len(stored()), provider.calls) == ("completed", 300, 3)


def test_a_slow_provider_never_ends_a_job_by_its_timeout() -> None:
    from embeddings.indexing.indexer import PROVIDER_SECONDS
    from queues.jobs.registry import registry

    assert registry.get("bulk-embed").timeout_seconds >= bulk.SERVE_SECONDS + PROVIDER_SECONDS + 60


def test_a_cancelled_job_stops_and_what_is_left_stays_owed(ann: User, provider: FakeProvider) -> None:
    job = add_bulk(ann, create_quietly(ann, 1000))

    def cancel(texts: Sequence[str]) -> None:
        provider.during_call = None
        cancel_job(job.id)

    provider.during_call = cancel
    work()
    cancelled = get_job(job.id)
    assert (cancelled.state, cancelled.error_class) == ("failed", "JobCancelled")
    assert 0 < DirtyEntity.objects.pending().count() < 1000
    assert DirtyEntity.objects.count() + len(stored()) == 1000


def test_ids_that_do_not_exist_are_served_as_gone(ann: User) -> None:
    job = add_bulk(ann, ["4711", "no number", "4711"])
    work()
    assert get_job(job.id).state == "completed"
    assert DirtyEntity.objects.count() == 0
    assert {state.status for state in EmbeddingState.objects.all()} == {"removed"}


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


def test_twice_and_at_the_same_time_as_single_jobs_is_right(ann: User, provider: FakeProvider) -> None:
    """Two bulk jobs and the single jobs of the same ids, in threads of their own."""
    from embeddings.indexing.bulk import embed_all
    from embeddings.indexing.indexer import index

    ids = create_quietly(ann, 300)
    entities = [("note", entity_id) for entity_id in ids]
    owe_missing(entities, using="default")
    errors: list[BaseException] = []

    def run(call: Any) -> None:
        try:
            call()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    calls = [
        lambda: embed_all(entities, using="default", owner_id="", report=lambda percent: None),
        lambda: embed_all(entities[::-1], using="default", owner_id="", report=lambda percent: None),
        lambda: index(entities[100:200]),
    ]
    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert (len(stored()), Embedding.objects.count(), DirtyEntity.objects.count()) == (300, 300, 0)


def test_a_saver_that_holds_a_row_is_not_made_to_wait_for_a_bulk_job(ann: User) -> None:
    """Owing gives way before PostgreSQL would look for a deadlock; the job comes back uncharged."""
    ids = create_quietly(ann, 2)
    held, release = threading.Event(), threading.Event()

    def save_slowly() -> None:
        with transaction.atomic():
            Note.objects.get(pk=ids[1]).save()
            held.set()
            release.wait(10)
        connections.close_all()

    saver = threading.Thread(target=save_slowly)
    saver.start()
    held.wait(5)
    job = add_bulk(ann, ids)
    try:
        work()
        put_back = get_job(job.id)
        assert (put_back.state, put_back.attempts_made, put_back.error_class) == ("delayed", 0, "RetryLater")
    finally:
        release.set()
        saver.join()
    job.promote()
    work()
    assert (len(stored()), get_queue_stats("embeddings")) == (2, QueueStats(completed=2))


def test_a_cancelled_job_does_not_wait_for_its_requests(ann: User, provider: FakeProvider) -> None:
    """A real worker's thread is interrupted while the provider hangs."""
    release = threading.Event()
    provider.during_call = lambda texts: release.wait(60) and None
    job = add_bulk(ann, create_quietly(ann, 700))
    with register_worker("embeddings"):
        try:
            wait_until(lambda: provider.calls == 5)
            threads = [thread for thread in threading.enumerate() if thread.name == "jobs-embeddings"]
            cancel_job(job.id)
            wait_until(lambda: get_job(job.id).state == "failed")
            wait_until(lambda: any(not thread.is_alive() for thread in threads))  # the interrupted one has ended
        finally:
            release.set()
    assert get_job(job.id).error_class == "JobCancelled"
    assert (provider.calls, DirtyEntity.objects.count()) == (5, 700)


def test_a_save_does_not_wait_behind_bulk_jobs(ann: User) -> None:
    create_quietly(ann, 1100)
    with transaction.atomic():
        for note in Note.objects.all():
            note.save()
    Note.objects.create(author=ann, title="somebody waits for this")
    assert [job.name for job in get_queue("embeddings").jobs("waiting")] == ["generate-embedding", "bulk-embed", "bulk-embed"]


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
    assert (retry_parked(), retry_parked(using="other")) == (0, 1)
    work()
    assert Embedding.objects.using("other").count() == 2
    assert (Embedding.objects.count(), DirtyEntity.objects.using("other").count()) == (0, 0)
