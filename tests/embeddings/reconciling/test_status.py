"""status(), and its command: what an operator sees, and what a monitor is told."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models.functions import Now
from django.utils import timezone

import embeddings
from embeddings import embeddings_disabled
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState, EmbeddingUsage, FanOut, SyncProgress
from tests.clock import DAY, stay_in_one
from tests.embeddings.conftest import work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("embeddings_status", *arguments, stdout=out)
    return out.getvalue()


def test_status_tells_everything_of_a_type(ann: User) -> None:
    for title in ("embedded", "failed before"):
        Note.objects.create(author=ann, title=title)
    work()
    EmbeddingState.objects.filter(entity_id=str(Note.objects.last().pk)).update(error_class="InvalidInput")
    Note.objects.create(author=ann, title="pending")
    Note.objects.create(author=ann, title="parked")
    DirtyEntity.objects.filter(entity_id=str(Note.objects.last().pk)).update(parked_reason="ValueError: no", parked_at=Now())
    FanOut.objects.create(entity_type="note", path="shelf", related_id="1", version=1, dirtied_at=Now(), enqueued_at=Now())
    with embeddings_disabled():
        Note.objects.create(author=ann, title="missing")
    found = embeddings.status(entity_types=["note"])
    (note,) = found.types
    assert [note.count(name) for name in ("rows", "embedded", "failed", "pending", "parked", "missing", "fan_outs")] == [
        5,
        2,
        1,
        1,
        1,
        1,
        1,
    ]
    assert note.tokens > 0
    assert 0 <= note.oldest_pending_seconds < 60
    assert (note.keys_compared_at, note.contents_compared_at, note.is_active, found.is_right) == (None, None, True, False)
    (parked,) = found.parked
    assert (parked.entity_type, parked.reason) == ("note", "ValueError: no")
    call_command("embeddings_sync", "--full", stdout=StringIO(), stderr=StringIO())
    (note,) = embeddings.status(entity_types=["note"]).types
    assert note.keys_compared_at and note.contents_compared_at


def test_status_before_anything_was_embedded_makes_no_model(ann: User) -> None:
    EmbeddingModel.objects.all().delete()
    with embeddings_disabled():
        Note.objects.create(author=ann, title="missing")
    assert embeddings.status(entity_types=["note"]).count("missing") == 1
    assert EmbeddingModel.objects.count() == 0


def test_a_model_that_is_being_built_is_counted_by_itself_and_alarms_nobody(ann: User) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    EmbeddingModel.objects.create(provider="fake", name="next", dimensions=256, min_similarity=0)
    found = embeddings.status(entity_types=["note"])
    assert [(report.is_active, report.embedded, report.wrong_model) for report in found.types] == [(True, 1, 0), (False, 0, 1)]
    assert found.is_right
    assert "next, 256 dimensions, not active" in run("--fail-on", "wrong-model")


def test_usage_is_told_by_day(ann: User) -> None:
    stay_in_one(DAY)
    today = timezone.now().date()
    for owner in ("1", "2"):
        EmbeddingUsage.objects.create(day=today, provider="fake", model="m", owner_id=owner, requests=2, tokens=10)
    EmbeddingUsage.objects.create(day=today - timezone.timedelta(days=8), provider="fake", model="m", requests=1, tokens=5)
    (day,) = embeddings.status().usage
    assert (day.day, day.requests, day.tokens) == (today, 4, 20)
    assert f"{today}: 4 requests, 20 tokens, fake m" in run()


def test_fail_on_exits_with_an_error_after_the_report(ann: User) -> None:
    assert "note" in run("--fail-on", "missing,stale,wrong-owner")
    with embeddings_disabled():
        Note.objects.create(author=ann, title="missing")
    out = StringIO()
    with pytest.raises(CommandError, match=r"Not zero: missing 1\.") as error:
        call_command("embeddings_status", "--json", "--fail-on", "stale,missing", stdout=out)
    assert error.value.returncode == 1
    assert json.loads(out.getvalue())["is_right"] is False
    run("--fail-on", "stale")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fail-on", "mising"], "unknown count mising: there are missing, stale"),
        (["--database", "nowhere"], "embeddings are kept in default"),
        (["--type", "ship"], "Unknown entity type 'ship'"),
    ],
)
def test_status_says_in_a_sentence_what_is_wrong(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*arguments)


def test_the_first_parked_rows_are_listed_with_reasons_and_all_on_demand(ann: User) -> None:
    for number in range(12):
        Note.objects.create(author=ann, title=f"note {number}")
    DirtyEntity.objects.update(parked_reason="ValueError: no content", parked_at=Now())
    assert run().count("ValueError: no content") == 10
    assert "and 2 more" in run()
    assert run("--parked").count("ValueError: no content") == 12
    assert len(json.loads(run("--json"))["parked"]) == 12


def test_of_very_many_parked_rows_the_last_are_listed_and_all_are_counted(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embeddings.reconciling.status.MOST_PARKED", 3)
    for number in range(5):
        note = Note.objects.create(author=ann, title=f"note {number}")
        DirtyEntity.objects.filter(entity_id=str(note.pk)).update(parked_reason=f"no {number}", parked_at=Now())
    found = embeddings.status()
    assert [row.reason for row in found.parked] == ["no 4", "no 3", "no 2"]
    assert found.count("parked") == 5


def test_a_full_sync_shows_its_rate(ann: User) -> None:
    Note.objects.create(author=ann, title="a")
    work()
    Note.objects.update(title="quietly")
    errors, out = StringIO(), StringIO()
    call_command("embeddings_sync", "--full", "--type", "note", stdout=out, stderr=errors)
    assert "note (default): 1 of 1 entities, " in errors.getvalue() and " a second" in errors.getvalue()
    assert "1 entity was enqueued" in out.getvalue()


def test_a_full_sync_says_what_an_interrupted_one_had_compared_already(ann: User) -> None:
    notes = [Note.objects.create(author=ann, title=title) for title in "abc"]
    work()
    SyncProgress.objects.create(entity_type="note", kind="full", position=str(notes[1].pk), checked=2, started_at=Now())
    Note.objects.update(title="quietly")
    for said, found in (("2 entities of this comparison were compared earlier", "1 entity was"), ("", "2 entities were")):
        errors, out = StringIO(), StringIO()
        call_command("embeddings_sync", "--full", "--type", "note", stdout=out, stderr=errors)
        assert said in errors.getvalue() and ("earlier" in errors.getvalue()) == bool(said)
        assert f"{found} enqueued" in out.getvalue()
        work()
