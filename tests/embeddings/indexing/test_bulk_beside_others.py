"""bulk-embed beside single jobs, savers and other bulk jobs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction

from embeddings.indexing.indexer import index
from embeddings.models import DirtyEntity, Embedding
from embeddings.owing.giving_way import owe_missing
from embeddings.providers.fake import FakeProvider
from queues import QueueStats, get_job, get_queue, get_queue_stats
from tests.embeddings.conftest import stored, work
from tests.embeddings.indexing.bulks import add_bulk, create_quietly
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_twice_and_at_the_same_time_as_single_jobs_is_right(ann: User, provider: FakeProvider) -> None:
    """Two bulk jobs and the single jobs of the same ids, in threads of their own."""
    from embeddings.indexing.bulk import embed_all

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


def test_a_save_does_not_wait_behind_bulk_jobs(ann: User) -> None:
    create_quietly(ann, 1100)
    with transaction.atomic():
        for note in Note.objects.all():
            note.save()
    Note.objects.create(author=ann, title="somebody waits for this")
    assert [job.name for job in get_queue("embeddings").jobs("waiting")] == ["generate-embedding", "bulk-embed", "bulk-embed"]
