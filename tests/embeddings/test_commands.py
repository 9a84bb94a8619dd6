import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from embeddings import embeddings_disabled
from embeddings.models import DirtyEntity, Embedding
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


def types(output: str) -> dict[str, dict[str, int]]:
    return {report["entity_type"]: report for report in json.loads(output)["types"]}


def test_search_prints_hits(ann: User) -> None:
    Note.objects.create(author=ann, title="heart doctor")
    work()
    assert "heart doctor" in run("embeddings_search", "doctor", "--user", "ann")
    assert json.loads(run("embeddings_search", "doctor", "--user", "ann", "--json"))[0]["content"] == "heart doctor"
    assert "Nothing is similar enough" in run("embeddings_search", "zebra", "--user", "ann")


def test_a_search_that_finds_nothing_says_what_is_not_embedded_yet(ann: User, bob: User) -> None:
    Note.objects.create(author=ann, title="heart doctor")
    assert "1 entity is not embedded yet: manage.py rqworker embeddings" in run("embeddings_search", "doctor", "--user", "ann")
    assert "not embedded" not in run("embeddings_search", "doctor", "--user", "bob")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["doctor", "--user", "nobody"], "There is no user 'nobody'"),
        ([" ", "--user", "ann"], "The query is empty"),
        (["doctor", "--user", "ann", "--limit", "101"], "limit must be from 1 to 100"),
        (["doctor", "--user", "ann", "--min-similarity", "2"], "min_similarity must be from -1 to 1"),
        (["doctor", "--user", "ann", "--type", "ship"], "Unknown entity type 'ship'"),
    ],
)
def test_search_says_in_a_sentence_what_is_wrong(ann: User, arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("embeddings_search", *arguments)


def test_status_counts_what_is_there_and_what_is_not(ann: User) -> None:
    Note.objects.create(author=ann, title="embedded")
    work()
    Note.objects.create(author=ann, title="pending")
    with embeddings_disabled():
        Note.objects.create(author=ann, title="missing")
    report = types(run("embeddings_status", "--json"))["note"]
    assert (report["rows"], report["embedded"], report["pending"], report["missing"]) == (3, 1, 1, 1)
    assert "note" in run("embeddings_status")


def test_sync_mends_what_no_signal_told(ann: User, bob: User) -> None:
    titles = ("kept", "gone", "moved")
    _, gone, moved = [Note.objects.create(author=ann, title=title) for title in titles]
    work()
    Note.objects.filter(pk=gone.pk)._raw_delete("default")
    Note.objects.filter(pk=moved.pk).update(author=bob)
    Note.objects.bulk_create([Note(author=ann, title="new")])
    report = types(run("embeddings_sync", "--dry-run", "--json"))["note"]
    assert [report[name] for name in ("rows", "embedded", "missing", "wrong_owner", "orphaned")] == [3, 1, 1, 1, 1]
    assert work() == 0
    assert "3 entities were enqueued" in run("embeddings_sync")
    work()
    assert {content for _, _, content in stored()} == {"kept", "moved", "new"}
    assert Embedding.objects.get(entity_id=str(moved.pk)).user_id == bob.pk
    assert "0 entities were enqueued" in run("embeddings_sync")


def test_cleanup_removes_orphans_but_not_suspiciously_many(ann: User) -> None:
    for number in range(30):
        Note.objects.create(author=ann, title=f"note {number}")
    work()
    Note.objects.filter(title="note 3")._raw_delete("default")
    assert "1 is orphaned, 0 were removed" in run("embeddings_cleanup", "--dry-run")
    assert "1 was removed" in run("embeddings_cleanup")
    Note.objects.all()._raw_delete("default")
    with pytest.raises(CommandError, match="--yes"):
        run("embeddings_cleanup")
    assert types(run("embeddings_cleanup", "--yes", "--json"))["note"]["removed"] == 29


def test_what_people_wrote_steers_no_terminal(ann: User) -> None:
    Note.objects.create(author=ann, title="heart \x1b[2J doctor \x9b1m")
    work()
    times = dict.fromkeys(("dirtied_at", "enqueued_at", "parked_at"), now())
    DirtyEntity.objects.create(entity_type="note", entity_id="9\x1b[1m", version=1, parked_reason="\x1b]0;evil\x07", **times)
    for command in (("embeddings_search", "doctor", "--user", "ann"), ("embeddings_retry",), ("embeddings_status",)):
        text = run(*command)
        assert "\ufffd" in text, command
        assert text.replace("\n", "").isprintable(), command
