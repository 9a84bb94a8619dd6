"""Every kind of damage is counted by its name, mended by a sync and a worker, and gone."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from embeddings import embeddings_disabled, status
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState, SyncProgress
from embeddings.reconciling.reconciler import reconcile
from embeddings.reconciling.report import OPEN, WRONG, TypeReport
from embeddings.testing.openai_server import OpenAIServer
from tests.embeddings.conftest import stored, vector_rows, work
from tests.testapp.models import Article, Attachment, Car, Country, Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


def report_of(entity_type: str) -> TypeReport:
    (report,) = status(entity_types=[entity_type]).types
    return report


def wrong(entity_type: str) -> dict[str, int]:
    """The counts that are not zero, of what is wrong or owed."""
    report = report_of(entity_type)
    return {name: report.count(name) for name in (*WRONG, *OPEN) if report.count(name)}


def vectors(obj: Model):
    return Embedding.objects.filter(entity_id=str(obj.pk))


def state(obj: Model):
    return EmbeddingState.objects.filter(entity_id=str(obj.pk))


def another_model() -> EmbeddingModel:
    return EmbeddingModel.objects.create(provider="fake", name="another", dimensions=256, min_similarity=0, status="retired")


def in_another_model(note: Note) -> None:
    vectors(note).delete()
    state(note).update(model=another_model())


def of_another_owner(note: Note) -> None:
    Note.objects.filter(pk=note.pk).update(author=User.objects.create_user("eve"))


def vectors_of_another_owner(note: Note) -> None:
    vectors(note).update(user_id=User.objects.create_user("eve").pk)


DAMAGE: dict[str, tuple[str, Callable[[Note], object]]] = {
    "no state and no vectors": ("missing", lambda note: (vectors(note).delete(), state(note).delete())),
    "a tombstone of a row that came back": (
        "missing",
        lambda note: (vectors(note).delete(), state(note).update(status="removed", owner_id="")),
    ),
    "a failure that nobody owes any more": ("missing", lambda note: (vectors(note).delete(), state(note).update(status="failed"))),
    "a state of another model alone": ("wrong_model", in_another_model),
    "another recipe": ("stale", lambda note: state(note).update(recipe="older")),
    "a row of another owner": ("wrong_owner", of_another_owner),
    "a state of another owner": ("wrong_owner", lambda note: state(note).update(owner_id="0")),
    "vectors of another owner": ("wrong_owner", vectors_of_another_owner),
    "vectors that vanished": ("incomplete", lambda note: vectors(note).delete()),
    "a state with more chunks": ("incomplete", lambda note: state(note).update(chunks=2)),
    "a chunk under the wrong number": ("incomplete", lambda note: vectors(note).update(chunk_index=7)),
    "vectors without a state": ("stray", lambda note: state(note).delete()),
    "vectors with a tombstone": ("stray", lambda note: state(note).update(status="removed")),
    "vectors of empty content": ("stray", lambda note: state(note).update(status="empty")),
    "vectors of a failure": ("stray", lambda note: state(note).update(status="failed")),
    "no row": ("orphaned", lambda note: Note.objects.filter(pk=note.pk)._raw_delete("default")),
    "no row and no vectors": (
        "orphaned",
        lambda note: (Note.objects.filter(pk=note.pk)._raw_delete("default"), vectors(note).delete()),
    ),
    "no row and no state": ("orphaned", lambda note: (Note.objects.filter(pk=note.pk)._raw_delete("default"), state(note).delete())),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_counted_and_mended(ann: User, damage: str) -> None:
    notes = [Note.objects.create(author=ann, title=f"note {number}") for number in range(3)]
    work()
    assert wrong("note") == {}
    kind, do = DAMAGE[damage]
    do(notes[1])
    assert wrong("note") == {kind: 1}
    (dry,) = reconcile(dry_run=True, entity_types=["note"])
    assert (dry.count(kind), DirtyEntity.objects.count()) == (1, 0)
    reconcile(entity_types=["note"])
    assert wrong("note") == {"pending": 1}, "what is owed is not wrong any more"
    assert work() == 1
    assert wrong("note") == {}
    alive = list(Note.objects.order_by("pk"))
    assert stored() == {("note", str(note.pk), note.title) for note in alive}
    assert {(v.entity_id, v.user_id) for v in Embedding.objects.all()} == {(str(note.pk), note.author_id) for note in alive}


def test_rows_that_are_rightly_not_embedded_are_not_missing(ann: User) -> None:
    Note.objects.create(author=ann, title="hidden", is_hidden=True)
    Note.objects.create(author=None, title="nobody's")
    Note.objects.create(author=ann, title=" ")
    work()
    with embeddings_disabled():
        Note.objects.create(author=None, title="nobody's, and never looked at")
    report = report_of("note")
    assert (report.rows, report.excluded, report.empty, report.is_right) == (4, 3, 1, True)


def test_a_hidden_row_written_without_signals_is_missing_until_it_was_looked_at(ann: User) -> None:
    Note.objects.bulk_create([Note(author=ann, title="hidden", is_hidden=True)])
    assert wrong("note") == {"missing": 1}
    reconcile()
    work()
    report = report_of("note")
    assert (report.excluded, report.is_right) == (1, True)


@dataclass(frozen=True, kw_only=True)
class Kept:
    entity_type: str
    make: Callable[[User], Model]
    rubbish: tuple[str, ...] = ("", "x", "1.5", "01", "999999999999999999999999", "1\n", "é" * 200)


KEYS = [
    Kept(entity_type="note", make=lambda user: Note.objects.create(author=user, title="a")),
    Kept(entity_type="document", make=lambda user: Document.objects.create(user=user, text="a")),
    Kept(entity_type="country", make=lambda user: Country.objects.create(code="HU", user=user, name="a")),
    Kept(
        entity_type="attachment",
        make=lambda user: Attachment.objects.create(article=Article.objects.create(author=user, title="t"), name="a"),
    ),
    Kept(entity_type="car", make=lambda user: Car.objects.create(user=user, name="a")),
]


@pytest.mark.parametrize("kept", KEYS, ids=lambda kept: kept.entity_type)
def test_keys_of_every_kind_and_ids_that_can_be_no_key(ann: User, kept: Kept) -> None:
    obj = kept.make(ann)
    work()
    report = report_of(kept.entity_type)
    assert (report.rows, report.embedded, report.is_right) == (1, 1, True)
    EmbeddingState.objects.filter(entity_type=kept.entity_type).delete()
    assert wrong(kept.entity_type) == {"stray": 1}
    reconcile()
    work()
    assert wrong(kept.entity_type) == {}
    copy = state(obj).get(entity_type=kept.entity_type)
    for rubbish in (*kept.rubbish, str(uuid.uuid4()).upper(), "-0", f" {obj.pk}"):
        copy.pk, copy.entity_id = None, rubbish
        copy.save(force_insert=True)
    assert wrong(kept.entity_type) == {"orphaned": len(kept.rubbish) + 3 - 1}, "all but the empty id, which no pass begins behind"
    assert report_of(kept.entity_type).embedded == 1


def test_an_owner_by_path_is_compared(ann: User, bob: User) -> None:
    attachment = Attachment.objects.create(article=Article.objects.create(author=ann, title="t"), name="a")
    work()
    Article.objects.update(author=bob)
    assert wrong("attachment") == {"wrong_owner": 1}
    reconcile()
    work()
    assert wrong("attachment") == {}
    assert Embedding.objects.get(entity_id=str(attachment.pk), entity_type="attachment").user_id == bob.pk


def test_a_type_that_nobody_registers_is_counted_and_left_alone(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a")
    work()
    for table in (vectors(note), state(note)):
        table.update(entity_type="ship")
    (ship,) = status(entity_types=["ship"]).types
    assert (ship.is_registered, ship.rows, ship.orphaned) == (False, 0, 1)
    assert "ship" in [report.entity_type for report in status().types]
    reconcile()
    work()
    assert Embedding.objects.filter(entity_type="ship").exists(), "an app may be missing by mistake"


def test_what_is_owed_is_neither_wrong_nor_marked_again(ann: User) -> None:
    note = Note.objects.create(author=ann, title="a")
    version = DirtyEntity.objects.get().version
    reconcile()
    assert wrong("note") == {"pending": 1}
    DirtyEntity.objects.update(parked_reason="ValueError: no")
    reconcile()
    assert wrong("note") == {"parked": 1}
    assert DirtyEntity.objects.get(entity_id=str(note.pk)).version == version


def test_an_index_that_is_right_is_found_right_without_a_write(ann: User) -> None:
    for number in range(5):
        Note.objects.create(author=ann, title=f"note {number}")
    work()

    def pages() -> list:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, ctid::text, xmin::text FROM embeddings_embeddingstate ORDER BY id")
            return [*cursor.fetchall(), *vector_rows()]

    before = pages()
    status()
    reconcile(dry_run=True, full=True)
    assert SyncProgress.objects.count() == 0
    assert all(report.is_right for report in reconcile(full=True))
    assert (pages(), DirtyEntity.objects.count(), work()) == (before, 0, 0)


def test_a_queryset_that_joins_orders_and_prefetches_is_read_by_keys_alone(ann: User) -> None:
    Article.objects.create(author=ann, title="a")
    work()
    with CaptureQueriesContext(connection) as queries:
        assert report_of("article").is_right
    assert not [query for query in queries if "testapp_tag" in query["sql"] or "testapp_comment" in query["sql"]]
    assert len([query for query in queries if "testapp_article" in query["sql"]]) == 2


def test_chunks_of_another_maximum_in_the_settings_are_stale_and_what_is_equal_is_not_paid_for_again(ann: User) -> None:
    with OpenAIServer() as server:
        options = {"EMBEDDINGS_OPENAI_API_KEY": server.api_key, "EMBEDDINGS_OPENAI_BASE_URL": server.base_url}
        with override_settings(**options):
            EmbeddingModel.objects.create(provider="openai", name="stub-model", dimensions=64, min_similarity=0.2, status="active")
            long = Note.objects.create(author=ann, title="A sentence of some length. " * 7)
            Note.objects.create(author=ann, title="short")
            work()
            assert wrong("note") == {}
        with override_settings(**options, EMBEDDINGS_OPENAI_MAX_INPUT_TOKENS=40):
            assert wrong("note") == {"stale": 2}
            reconcile()
            work()
            assert wrong("note") == {}
            assert vectors(long).count() > 1
            assert "short" not in server.requests[-1]["input"]
