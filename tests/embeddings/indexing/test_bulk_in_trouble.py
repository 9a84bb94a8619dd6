"""bulk-embed loses nothing whatever happens: rows that fail, a provider in trouble, too little time, a cancellation."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User

from embeddings.indexing import bulk
from embeddings.models import DirtyEntity, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import cancel_job, get_job, get_queue, get_queue_stats, register_worker
from tests.embeddings.conftest import stored, vector_rows, work
from tests.embeddings.indexing.bulks import add_bulk, create_quietly
from tests.processes import wait_until
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


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
