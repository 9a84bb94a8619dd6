"""A failure is noted in its entity's state, in a transaction of its own, and cleared by the next success."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from embeddings.indexing.failures import Failure, record_failures
from embeddings.indexing.indexer import index
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import JobStalled, get_queue, signals
from tests.embeddings.conftest import stored, vector_rows, work
from tests.testapp.embeddables import DocumentEmbeddable, NoteEmbeddable
from tests.testapp.models import Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_build_error_is_noted_and_what_was_stored_stays(ann: User) -> None:
    note = Note.objects.create(author=ann, title="good")
    work()
    before, rows = EmbeddingState.objects.get(), vector_rows()
    note.title = "unbuildable"
    note.save()
    work()
    state = EmbeddingState.objects.get()
    assert (state.error_class, state.error) == ("ValueError", "this note has no content")
    assert state.failed_at is not None and state.failed_at > before.updated_at
    assert (state.status, state.version, state.content_hash, state.chunks) == ("embedded", before.version, before.content_hash, 1)
    assert vector_rows() == rows


def test_where_nothing_was_stored_yet_the_state_is_failed_at_no_version(ann: User) -> None:
    Note.objects.create(author=ann, title="unbuildable")
    work()
    state = EmbeddingState.objects.get()
    assert (state.status, state.version, state.content_hash, state.chunks) == ("failed", 0, "", 0)
    assert DirtyEntity.objects.count() == 1, "the work is owed still"


@pytest.mark.parametrize("end", ["success", "removal"])
def test_the_next_success_or_removal_clears_it(ann: User, end: str) -> None:
    note = Note.objects.create(author=ann, title="unbuildable")
    work()
    if end == "success":
        note.title = "mended"
        note.save()
    else:
        note.delete()
    work()
    state = EmbeddingState.objects.get()
    assert (state.error_class, state.error, state.failed_at) == ("", "", None)
    assert state.status == ("embedded" if end == "success" else "removed")


def test_a_change_back_to_what_is_stored_clears_it(ann: User, provider: FakeProvider) -> None:
    note = Note.objects.create(author=ann, title="good")
    work()
    for title in ("unbuildable", "good"):
        note.title = title
        note.save()
        work()
    assert (EmbeddingState.objects.get().error, provider.calls) == ("", 1)


def test_a_refused_text_is_noted(ann: User, provider: FakeProvider) -> None:
    provider.refuse("poison")
    Note.objects.create(author=ann, title="poison")
    Note.objects.create(author=ann, title="fine")
    work()
    assert list(EmbeddingState.objects.exclude(error="").values_list("status", "error_class")) == [("failed", "InvalidInput")]


def test_what_the_database_refuses_is_noted_though_that_transaction_was_rolled_back(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DocumentEmbeddable, "owner_id", lambda self, document: "no key" if document.text == "bad" else ann.pk)
    for text in ("good", "bad"):
        Document.objects.create(user=ann, text=text)
    work()
    assert {content for _, _, content in stored()} == {"good"}
    assert EmbeddingState.objects.get(status="failed").error_class == "DataError"


def test_it_survives_what_fails_after_it(ann: User, provider: FakeProvider) -> None:
    """The provider goes down in the same batch: all are put back, and the reason of the one is known."""
    Note.objects.create(author=ann, title="unbuildable")
    Note.objects.create(author=ann, title="fine")
    provider.go_down()
    work()
    assert EmbeddingState.objects.get().error == "this note has no content"
    assert not connection.in_atomic_block


def test_a_death_that_no_handler_saw_is_noted(ann: User) -> None:
    note = Note.objects.create(author=ann, title="crashes its worker")
    (job,) = get_queue("embeddings").jobs("waiting")
    died = replace(job, started_at=timezone.now() + timedelta(hours=1))
    signals.dead.send(sender=type(job), job=died, error=JobStalled("it lost its worker twice"))
    state = EmbeddingState.objects.get(entity_id=str(note.pk))
    assert (state.error_class, state.error) == ("JobStalled", "it lost its worker twice")
    assert DirtyEntity.objects.get().parked_reason == "JobStalled: it lost its worker twice"


def test_it_is_never_noted_over_a_newer_version(ann: User) -> None:
    note = Note.objects.create(author=ann, title="good")
    work()
    state = EmbeddingState.objects.get()
    late = Failure(error=ValueError("an old one"), version=state.version)
    record_failures({("note", str(note.pk)): late}, EmbeddingModel.objects.active())
    assert EmbeddingState.objects.get().error == ""
    record_failures({("note", str(note.pk)): replace(late, version=state.version + 1)}, EmbeddingModel.objects.active())
    assert EmbeddingState.objects.get().error == "an old one"


def test_a_failed_state_is_not_taken_for_a_clean_one(ann: User) -> None:
    note = Note.objects.create(author=ann, title="unbuildable")
    work()
    DirtyEntity.objects.all().delete()
    Note.objects.filter(pk=note.pk).update(title="mended")
    index([("note", str(note.pk))])
    assert {content for _, _, content in stored()} == {"mended"}


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("x" * 5000), "x" * 2000),
        (ValueError("\x00a\ud800"), "a?"),
        (Unprintable(), "its text cannot be printed (RuntimeError)"),
    ],
)
def test_any_error_can_be_noted(ann: User, error: Exception, message: str) -> None:
    record_failures({("note", "1"): Failure(error=error, version=1)}, EmbeddingModel.objects.active())
    assert EmbeddingState.objects.get().error == message


def slow_query(note: Note) -> str:
    if note.title == "slow":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '20ms'")
            cursor.execute("SELECT pg_sleep(10)")
    return note.title


def test_a_query_of_the_embeddables_own_that_times_out_fails_its_entity_alone(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NoteEmbeddable, "content", lambda self, note: slow_query(note))
    for title in ("slow", "fine"):
        Note.objects.create(author=ann, title=title)
    work()
    assert {content for _, _, content in stored()} == {"fine"}
    assert "statement timeout" in EmbeddingState.objects.get(status="failed").error
    assert get_queue("embeddings").jobs("delayed")[0].attempts_made == 1


def test_a_database_that_goes_away_while_content_is_built_is_nobodys_failure(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose_the_connection(self: object, note: Note) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return note.title

    Note.objects.create(author=ann, title="fine")
    with monkeypatch.context() as patch:
        patch.setattr(NoteEmbeddable, "content", lose_the_connection)
        work()
    connection.close()
    (job,) = get_queue("embeddings").jobs("delayed")
    assert (job.attempts_made, EmbeddingState.objects.count()) == (0, 0)
    job.promote()
    work()
    assert {content for _, _, content in stored()} == {"fine"}
