"""Clean-up: what no entity has goes, but not suspiciously much of it."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from embeddings.jobs import cleanup_embeddings
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState, FanOut
from embeddings.reconciling import cleanup as module
from queues import add_job, get_queue_stats
from tests.embeddings.conftest import stored, vector_rows, work
from tests.testapp.models import Country, Note

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("embeddings_cleanup", *arguments, stdout=out)
    return out.getvalue()


def rename_type(entity_id: object) -> None:
    for table in (Embedding, EmbeddingState):
        table.objects.filter(entity_id=str(entity_id)).update(entity_type="ship")


@pytest.fixture
def notes(ann: User) -> list[Note]:
    made = [Note.objects.create(author=ann, title=f"note {number}") for number in range(30)]
    work()
    return made


def test_a_dry_run_writes_nothing(notes: list[Note]) -> None:
    notes[0].__class__.objects.filter(pk=notes[0].pk)._raw_delete("default")
    before = vector_rows()
    assert "note: 30 entities, 1 is orphaned, 0 were removed." in run("--dry-run")
    assert (vector_rows(), DirtyEntity.objects.count()) == (before, 0)


def test_too_many_of_one_type_are_refused_and_other_types_go_on(ann: User, notes: list[Note]) -> None:
    Country.objects.create(code="HU", user=ann, name="Hungary")
    work()
    Country.objects.all()._raw_delete("default")
    Note.objects.filter(pk__in=[note.pk for note in notes[:12]])._raw_delete("default")
    with pytest.raises(CommandError, match=r"12 of 30 entities of the type 'note' would be removed.*--yes"):
        run()
    assert {entity_type for entity_type, _, _ in stored()} == {"note"}
    assert len(stored()) == 30
    assert json.loads(run("--yes", "--json"))["types"][1] | {"database": ""} == {
        "entity_type": "note",
        "database": "",
        "is_registered": True,
        "entities": 30,
        "orphaned": 12,
        "removed": 12,
        "is_refused": False,
    }
    assert len(stored()) == 18
    assert "note: 18 entities, 0 are orphaned, 0 were removed." in run()


def test_a_type_that_nobody_registers_goes(notes: list[Note]) -> None:
    rename_type(notes[0].pk)
    assert "ship (unregistered): 1 entity, 1 is orphaned, 1 was removed." in run("--type", "ship")
    assert not Embedding.objects.filter(entity_type="ship").exists()


def test_stray_vectors_go_and_those_of_a_living_row_come_back_right(notes: list[Note]) -> None:
    EmbeddingState.objects.filter(entity_id=str(notes[0].pk)).delete()
    EmbeddingState.objects.filter(entity_id=str(notes[1].pk)).update(status="removed", owner_id="")
    Note.objects.filter(pk=notes[1].pk).update(is_hidden=True)
    Embedding.objects.filter(entity_id=str(notes[0].pk)).update(content="stray")
    assert "2 are orphaned, 1 was removed" in run()
    assert {content for _, _, content in stored()} == {note.title for note in notes} - {notes[1].title}


def test_what_other_models_have_of_a_gone_row_goes_too(notes: list[Note]) -> None:
    other = EmbeddingModel.objects.create(provider="fake", name="other", dimensions=256, min_similarity=0, status="building")
    for vector in Embedding.objects.filter(entity_id=str(notes[0].pk)):
        vector.pk, vector.model = None, other
        vector.save(force_insert=True)
    Note.objects.filter(pk=notes[0].pk)._raw_delete("default")
    run()
    assert not Embedding.objects.filter(entity_id=str(notes[0].pk)).exists()


def test_parts_follow_each_other_to_the_end(notes: list[Note], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART", 2)
    Note.objects.filter(pk__in=[note.pk for note in notes[:9]])._raw_delete("default")
    assert cleanup_embeddings() == 9
    assert len(stored()) == 21


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(CommandError, match="Unknown entity type 'ship'"):
        run("--type", "ship")


def test_the_job_removes_orphans_but_not_suspiciously_many_and_is_safe_to_run_twice(ann: User) -> None:
    for number in range(30):
        Note.objects.create(author=ann, title=f"note {number}")
    work()
    Note.objects.filter(title="note 3")._raw_delete("default")
    for _ in range(2):
        add_job("embeddings", "cleanup-embeddings", {})
    work()
    assert len(stored()) == 29
    Note.objects.all()._raw_delete("default")
    add_job("embeddings", "cleanup-embeddings", {})
    work()
    assert len(stored()) == 29, "an emptied table looks like a mistake"
    assert get_queue_stats("embeddings").failed == 0


def test_parked_fan_outs_of_a_type_that_nobody_registers_go_and_pending_ones_stay(notes: list[Note]) -> None:
    for path, reason in (("shelf", "NotRegistered: Unknown entity type 'ship'"), ("tags", "")):
        FanOut.objects.create(
            entity_type="ship", path=path, related_id="1", version=1, dirtied_at=Now(), enqueued_at=Now(), parked_reason=reason
        )
    run("--dry-run")
    assert FanOut.objects.count() == 2
    run()
    assert [row.path for row in FanOut.objects.all()] == ["tags"]


def test_nothing_to_remove_is_said_so() -> None:
    assert run() == "Nothing is stored, so there is nothing to remove.\n"
