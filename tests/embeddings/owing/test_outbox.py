"""What a transaction captures leaves in exactly one call of Redis, after its commit, or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.db.models.signals import post_save
from django.test import override_settings

from embeddings import mark_dirty
from embeddings.models import DirtyEntity, FanOut
from embeddings.owing.changes import Change
from embeddings.owing.dirty import record
from embeddings.reconciling.sweep import sweep
from queues import Job, get_queue
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Article, Comment, Country, Document, Note, Room, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def calls(expected: int) -> Iterator[None]:
    """That so many scripts, and nothing else, were sent to Redis within, as the server counts."""

    def count() -> int:
        stats = get_queue("embeddings").connection.info("commandstats")
        return sum(int(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"]) for name in ("evalsha", "eval", "fcall"))

    before = count()
    yield
    assert count() - before == expected


@pytest.fixture(autouse=True)
def loaded_script(ann: User) -> None:
    """The first call may have to load the script, and then calls it once more."""
    Note.objects.create(author=ann, title="first of all")
    work()


def waiting() -> list[Job]:
    return get_queue("embeddings").jobs("waiting")


def test_a_save_outside_of_a_transaction_is_one_call(ann: User) -> None:
    with calls(1):
        Note.objects.create(author=ann, title="a")


def test_entities_and_related_rows_of_several_types_leave_in_one_call(ann: User) -> None:
    room = Room.objects.create(name="attic")
    with calls(1), transaction.atomic():
        for number in range(5):
            Note.objects.create(author=ann, title=str(number))
        Document.objects.create(user=ann, text="d")
        Country.objects.create(code="HU", user=ann, name="Hungary")
        article = Article.objects.create(author=ann, title="bread")
        Comment.objects.create(article=article, text="tasty")
        Comment.objects.create(article=article, text="dry")
        for _ in range(3):
            room.save()
        mark_dirty(Note.objects.all())
    assert sorted(job.name for job in waiting()) == ["expand-fan-out"] * 2 + ["generate-embedding"] * 9


def test_nested_blocks_and_savepoints_are_one_call(ann: User) -> None:
    with calls(1), transaction.atomic(durable=True):
        Note.objects.create(author=ann, title="outer")
        with transaction.atomic():
            Note.objects.create(author=ann, title="inner")
            with transaction.atomic(savepoint=False):
                Note.objects.create(author=ann, title="innermost")
        with suppress(RuntimeError), transaction.atomic():
            Note.objects.create(author=ann, title="dropped")
            with transaction.atomic():
                Note.objects.create(author=ann, title="dropped too")
            raise RuntimeError
        Note.objects.create(author=ann, title="last")
    assert len(waiting()) == 4
    work()
    assert {content for _, _, content in stored()} == {"first of all", "outer", "inner", "innermost", "last"}


def test_a_savepoint_that_is_rolled_back_takes_its_fan_out_along(ann: User) -> None:
    shelf = Shelf.objects.create(name="old")
    with calls(1), transaction.atomic():
        Note.objects.create(author=ann, title="kept", shelf=shelf)
        with suppress(RuntimeError), transaction.atomic():
            shelf.save()
            raise RuntimeError
    assert ([job.name for job in waiting()], FanOut.objects.count()) == (["generate-embedding"], 0)


def test_an_outer_rollback_sends_nothing_and_the_next_transaction_only_its_own(ann: User) -> None:
    with calls(0), suppress(RuntimeError), transaction.atomic():
        Note.objects.create(author=ann, title="dropped")
        with transaction.atomic():
            Note.objects.create(author=ann, title="dropped too")
        raise RuntimeError
    with calls(1), transaction.atomic():
        Note.objects.create(author=ann, title="kept")
    assert len(waiting()) == 1


def test_a_request_in_one_transaction_is_one_call(ann: User) -> None:
    """ATOMIC_REQUESTS wraps the view in `atomic`; blocks of the view's own are savepoints."""

    @transaction.atomic(using="default")
    def view() -> None:
        for title in ("one", "two"):
            with transaction.atomic():
                Note.objects.create(author=ann, title=title)
        with suppress(DatabaseError), transaction.atomic():
            Note.objects.create(author=ann, title="x" * 1000)

    with calls(1):
        view()
    assert len(waiting()) == 2


def test_a_save_and_a_delete_of_one_entity_are_one_job_with_the_last_operation(ann: User) -> None:
    with calls(1), transaction.atomic():
        note = Note.objects.create(author=ann, title="short lived")
        key = note.pk
        note.save()
        note.delete()
    (job,) = waiting()
    assert (job.data["entity_id"], job.data["operation"]) == (str(key), "delete")
    assert job.data["version"] == DirtyEntity.objects.get().version


def test_the_operation_of_a_rolled_back_savepoint_is_not_the_last(ann: User) -> None:
    with transaction.atomic():
        note = Note.objects.create(author=ann, title="alive")
        with suppress(RuntimeError), transaction.atomic():
            Note.objects.get(pk=note.pk).delete()
            raise RuntimeError
    (job,) = waiting()
    assert (job.data["operation"], job.data["version"]) == ("create", DirtyEntity.objects.get().version)


def test_a_thousand_rows_are_a_job_each_and_more_are_bulk_jobs_by_owner_and_type(ann: User, bob: User) -> None:
    Note.objects.bulk_create(Note(author=ann, title=str(number)) for number in range(999))
    with calls(1):
        assert mark_dirty(Note.objects.all()) == 1000
    assert {job.name for job in waiting()} == {"generate-embedding"} and len(waiting()) == 1000
    get_queue("embeddings").connection.flushdb()
    Note.objects.bulk_create(Note(author=ann, title=str(number)) for number in range(500))
    Note.objects.bulk_create(Note(author=bob, title=str(number)) for number in range(10))
    with calls(1), transaction.atomic():
        mark_dirty(Note.objects.all())
        Document.objects.create(user=ann, text="d")
    sizes = sorted((job.name, job.data["user_id"], job.data["entity_type"], len(job.data["entity_ids"])) for job in waiting())
    assert sizes == sorted(
        ("bulk-embed", owner, kind, count)
        for owner, kind, count in ((str(ann.pk), "note", 1000), (str(ann.pk), "note", 500), ("", "note", 10), ("", "document", 1))
    )


def test_a_receiver_that_raises_takes_the_save_and_its_job_back(ann: User) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError

    post_save.connect(fail, sender=Note)
    try:
        with calls(0), suppress(RuntimeError):
            Note.objects.create(author=ann, title="never")
        with calls(1), transaction.atomic():
            Document.objects.create(user=ann, text="kept")
            with suppress(RuntimeError), transaction.atomic():
                Note.objects.create(author=ann, title="never")
    finally:
        post_save.disconnect(fail, sender=Note)
    assert [row.entity_type for row in DirtyEntity.objects.all()] == ["document"]


def test_a_foreign_commit_hook_that_raises_loses_the_call_but_not_the_work(ann: User) -> None:
    def fail() -> None:
        raise RuntimeError

    with suppress(RuntimeError), transaction.atomic():
        transaction.on_commit(fail)
        Note.objects.create(author=ann, title="kept")
    assert waiting() == []
    with calls(1):
        Note.objects.create(author=ann, title="the next")
    assert sweep(age=timedelta(0)) == 2
    work()
    assert {content for _, _, content in stored()} == {"first of all", "kept", "the next"}


@override_settings(EMBEDDINGS_SIGNALS=False)
def test_without_signals_nothing_is_captured(ann: User) -> None:
    with calls(0):
        article = Article.objects.create(author=ann, title="bread")
        Comment.objects.create(article=article, text="tasty")
        article.tags.create(name="new")
        article.delete()
    assert (DirtyEntity.objects.count(), FanOut.objects.count()) == (0, 0)


def test_a_row_that_no_job_can_name_keeps_no_other_waiting(ann: User) -> None:
    with transaction.atomic():
        notes = [Note.objects.create(author=ann, title=title) for title in ("a", "b", "c")]
        record([Change(entity_type="note", entity_id="")])
    assert {job.data["entity_id"] for job in waiting()} == {str(note.pk) for note in notes}
    work()
    assert [row.entity_id for row in DirtyEntity.objects.all()] == [""]
