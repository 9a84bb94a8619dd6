"""Parked rows: listed with their reasons, and retried by command, from the dead letters or by a new save."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.test import override_settings

from embeddings import mark_dirty, retry_parked
from embeddings.models import DirtyEntity, Embedding, EmbeddingState, FanOut
from embeddings.owing.parking import find_parked
from queues import QueueStats, get_failed_jobs, get_queue, get_queue_stats, remove_failed, retry_failed, retry_job
from queues.testing import run_jobs
from tests.embeddings.conftest import stored, work
from tests.testapp.embeddables import NoteEmbeddable
from tests.testapp.models import Document, Note, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def parked(ann: User) -> list[Note]:
    """Three notes whose jobs died."""
    notes = [Note.objects.create(author=ann, title=f"unbuildable {number}") for number in range(3)]
    run_jobs("embeddings", delayed=True)
    assert DirtyEntity.objects.parked().count() == 3
    return notes


@pytest.fixture
def mended(parked: list[Note], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NoteEmbeddable, "content", lambda self, note: note.title.replace("unbuildable", "mended"))


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("embeddings_retry", *arguments, stdout=out, **options)
    return out.getvalue()


def contents() -> set[str]:
    return {content for _, _, content in stored()}


def test_what_is_parked_is_listed_with_its_reason(parked: list[Note]) -> None:
    text = run()
    assert "3 are parked" in text and f"note {parked[0].pk}: ValueError: this note has no content" in text
    (first, *_) = json.loads(run("--json"))["parked"]
    assert (first["entity_type"], first["reason"]) == ("note", "ValueError: this note has no content")
    assert first["parked_at"] is not None
    assert DirtyEntity.objects.parked().count() == 3, "listing takes up nothing"


@pytest.mark.usefixtures("mended")
def test_all_are_retried_in_one_go(parked: list[Note]) -> None:
    assert "3 were enqueued again" in run("--all")
    work()
    assert (contents(), DirtyEntity.objects.count()) == ({"mended 0", "mended 1", "mended 2"}, 0)
    assert json.loads(run("--all", "--json")) == {"retried": 0, "parked": []}


@pytest.mark.usefixtures("mended")
def test_a_choice_is_retried_alone(ann: User, parked: list[Note]) -> None:
    document = Document.objects.create(user=ann, text="a")
    DirtyEntity.objects.filter(entity_type="document").update(parked_reason="KeyError: other", parked_at=Now())
    get_queue("embeddings").drain()
    assert "1 was enqueued again" in run("--type", "document")
    assert "1 was enqueued again" in run("--id", str(parked[0].pk))
    assert "0 were enqueued again" in run("--error", "no such reason")
    work()
    assert contents() == {"a", "mended 0"}
    assert "2 were enqueued again" in run("--error", "has no CONTENT", "--type", "note")
    assert document.pk is not None


@pytest.mark.usefixtures("mended")
def test_a_dry_run_lists_and_writes_nothing(parked: list[Note]) -> None:
    assert "3 are parked" in run("--all", "--dry-run")
    assert (work(), DirtyEntity.objects.parked().count()) == (0, 3)


def test_nonsense_is_refused_in_a_sentence(ann: User) -> None:
    with pytest.raises(CommandError, match="--all leaves nothing to choose"):
        run("--all", "--type", "note")
    with pytest.raises(CommandError, match="not in 'nowhere'"):
        run("--all", "--database", "nowhere")


@pytest.mark.usefixtures("mended")
def test_a_retry_from_the_dead_letters_serves_the_parked_row(parked: list[Note]) -> None:
    (first, *_) = get_failed_jobs("embeddings")
    assert retry_job(first.id)
    work()
    assert len(contents()) == 1
    assert retry_failed("embeddings") == 2
    work()
    assert (len(contents()), DirtyEntity.objects.count()) == (3, 0)


@pytest.mark.usefixtures("mended")
def test_a_new_save_takes_it_up_again(parked: list[Note]) -> None:
    parked[0].save()
    work()
    assert (contents(), DirtyEntity.objects.parked().count()) == ({"mended 0"}, 2)


@pytest.mark.usefixtures("mended")
def test_retried_by_command_and_from_the_dead_letters_costs_one_embedding(parked: list[Note], provider: Any) -> None:
    assert retry_parked() == 3
    assert retry_failed("embeddings") == 3
    work()
    assert (sorted(provider.texts), get_queue_stats("embeddings")) == (["mended 0", "mended 1", "mended 2"], QueueStats(completed=6))


@pytest.mark.usefixtures("mended")
def test_removed_dead_letters_leave_the_row_parked_and_retriable(parked: list[Note]) -> None:
    assert remove_failed("embeddings") == 3
    assert DirtyEntity.objects.parked().count() == 3
    assert retry_parked(entity_type="note") == 3
    work()
    assert len(contents()) == 3


def test_what_fails_again_is_parked_again_with_its_new_reason(parked: list[Note], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, note: Note) -> str:
        raise KeyError("another reason")

    monkeypatch.setattr(NoteEmbeddable, "content", refuse)
    retry_parked(entity_ids=[str(parked[0].pk)])
    run_jobs("embeddings", delayed=True)
    assert find_parked()[0].reason == "KeyError: 'another reason'"
    assert len(find_parked()) == 3
    assert EmbeddingState.objects.get(entity_id=str(parked[0].pk)).error_class == "KeyError"


def test_more_than_a_thousand_come_back(ann: User) -> None:
    Note.objects.bulk_create([Note(author=ann, title=f"note {number}") for number in range(1100)])
    mark_dirty(Note.objects.all())
    get_queue("embeddings").drain()
    DirtyEntity.objects.update(parked_reason="KeyError: a bad release", parked_at=Now())
    assert retry_parked(error="bad release") == 1100
    work()
    assert len(stored()) == 1100


def test_parked_fan_outs_are_listed_and_go_on(ann: User) -> None:
    shelf = Shelf.objects.create(name="cooking")
    Note.objects.create(author=ann, title="soup", shelf=shelf)
    work()
    Shelf.objects.filter(pk=shelf.pk).update(name="kitchen")
    shelf.refresh_from_db()
    shelf.save()
    get_queue("embeddings").drain()
    FanOut.objects.update(parked_reason="JobStalled: twice", parked_at=Now())
    assert f"note by shelf {shelf.pk}: JobStalled: twice" in run()
    assert "1 was enqueued again" in run("--all")
    work()
    assert (contents(), FanOut.objects.count()) == ({"soup on the shelf kitchen"}, 0)


@pytest.mark.django_db(databases=["default", "other"], transaction=True)
@override_settings(EMBEDDINGS_DATABASES=("default", "other"))
def test_every_database_is_looked_into_unless_one_is_named(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    eve = User.objects.using("other").create(username="eve")
    here = Note.objects.create(author=ann, title="unbuildable here")
    there = Note.objects.using("other").create(author=eve, title="unbuildable there")
    run_jobs("embeddings", delayed=True)
    lines = run().splitlines()
    assert f"note {here.pk} (default): ValueError" in lines[0] and f"note {there.pk} (other): ValueError" in lines[1]
    assert "1 is parked" in run("--database", "other")
    monkeypatch.setattr(NoteEmbeddable, "content", lambda self, note: note.title)
    assert "2 were enqueued again" in run("--all")
    work()
    assert [Embedding.objects.using(alias).count() for alias in ("default", "other")] == [1, 1]


def test_retrying_a_misspelled_type_is_refused() -> None:
    with pytest.raises(CommandError, match=r"Nothing of the type 'nite' is parked, and nobody registers it: there are .*note"):
        run("--type", "nite")
