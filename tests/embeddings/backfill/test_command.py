"""`manage.py embeddings_backfill`."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings

from embeddings import embeddings_disabled, initialize_embedding_worker
from embeddings.models import DirtyEntity, Embedding, EmbeddingState
from embeddings.providers.fake import FakeProvider
from queues import get_queue, get_queue_stats, pause_queue
from queues.testing import run_jobs
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Country, Document, Note

pytestmark = pytest.mark.django_db(transaction=True)


def backfill(*arguments: str) -> str:
    out = StringIO()
    call_command("embeddings_backfill", *arguments, stdout=out)
    return out.getvalue()


def facts(*arguments: str) -> dict[str, Any]:
    return json.loads(backfill(*arguments, "--json"))


@pytest.fixture
def notes(ann: User) -> list[Note]:
    """Three that no signal told of."""
    return Note.objects.bulk_create([Note(author=ann, title=f"note {number}") for number in range(3)])


def test_what_is_missing_is_embedded_by_a_worker_and_followed_to_the_end(notes: list[Note]) -> None:
    with initialize_embedding_worker():
        output = backfill()
    assert "3 entities are missing or stale, and marked." in output
    assert "All are embedded." in output
    assert {content for _, _, content in stored()} == {"note 0", "note 1", "note 2"}


def test_run_again_it_finds_nothing_and_pays_nothing(notes: list[Note], provider: FakeProvider) -> None:
    assert facts("--no-wait") == {"marked": 3, "pending": 3, "failed": 0, "failures": []}
    jobs = get_queue_stats("embeddings").waiting
    versions = set(DirtyEntity.objects.values_list("version", flat=True))
    assert facts("--no-wait")["marked"] == 3, "they are on their way still"
    assert get_queue_stats("embeddings").waiting == jobs
    assert set(DirtyEntity.objects.values_list("version", flat=True)) == versions
    work()
    assert facts("--no-wait") == {"marked": 0, "pending": 0, "failed": 0, "failures": []}
    assert len(provider.texts) == 3


def test_without_a_worker_it_says_so_and_returns(notes: list[Note]) -> None:
    output = backfill()
    assert "No worker serves the queue embeddings: start manage.py rqworker embeddings, or embed in this process with --here" in output
    assert "3 wait for a worker." in output
    pause_queue("embeddings")
    assert "The queue embeddings is paused: manage.py queue_resume embeddings" in backfill()


def test_here_it_needs_neither_worker_nor_job(notes: list[Note]) -> None:
    assert "All are embedded." in backfill("--here")
    assert (len(stored()), DirtyEntity.objects.count(), get_queue_stats("embeddings").waiting) == (3, 0, 0)
    assert facts("--here") == {"marked": 0, "pending": 0, "failed": 0, "failures": []}


def test_here_it_takes_over_what_waits_for_a_worker(notes: list[Note], provider: FakeProvider) -> None:
    backfill("--no-wait")
    assert "All are embedded." in backfill("--here")
    work()
    assert sorted(provider.texts) == ["note 0", "note 1", "note 2"]


def test_here_a_provider_in_trouble_is_waited_for(notes: list[Note], provider: FakeProvider) -> None:
    provider.limit_rate(retry_after=0.01, times=2)
    output = backfill("--here")
    assert output.count("The fake provider limits the rate. Going on in 0 s.") == 2
    assert "All are embedded." in output


def test_here_what_only_a_person_can_mend_ends_it_and_the_rest_stays_owed(notes: list[Note], provider: FakeProvider) -> None:
    provider.misconfigure()
    with pytest.raises(CommandError, match="no such model"):
        backfill("--here")
    assert DirtyEntity.objects.pending().count() == 3
    provider.reset()
    assert "All are embedded." in backfill("--here")


@pytest.mark.parametrize("here", [True, False])
def test_failures_are_listed_with_their_reasons_and_make_it_fail(notes: list[Note], ann: User, here: bool) -> None:
    Note.objects.bulk_create([Note(author=ann, title="unbuildable")])
    out = StringIO()
    with pytest.raises(CommandError, match="1 entity could not be embedded, and is parked"):
        if here:
            call_command("embeddings_backfill", "--here", stdout=out)
        else:
            with initialize_embedding_worker():
                call_command("embeddings_backfill", stdout=out)
    bad = Note.objects.get(title="unbuildable")
    assert f"failed: note {bad.pk}: ValueError: this note has no content" in out.getvalue()
    assert len(stored()) == 3
    Note.objects.filter(pk=bad.pk).update(title="mended")
    assert "All are embedded." in backfill("--here"), "the same command tries the parked again"


def test_force_embeds_all_again(notes: list[Note], provider: FakeProvider) -> None:
    backfill("--here")
    assert facts("--here")["marked"] == 0
    assert facts("--here", "--force")["marked"] == 3
    assert sorted(provider.texts) == sorted(["note 0", "note 1", "note 2"] * 2)


def test_it_is_narrowed_by_type_user_and_limit(notes: list[Note], ann: User, bob: User) -> None:
    with embeddings_disabled():
        Country.objects.create(code="HU", user=ann, name="Hungary")
        Note.objects.create(author=bob, title="bob's")
    backfill("--here", "--type", "country")
    assert {content for _, _, content in stored()} == {"Hungary"}
    backfill("--here", "--user", "bob")
    assert {content for _, _, content in stored()} == {"Hungary", "bob's"}
    assert facts("--here", "--limit", "2")["marked"] == 2
    assert len(stored()) == 4
    assert facts("--here", "--limit", "2")["marked"] == 1


def test_a_dry_run_estimates_and_changes_nothing(notes: list[Note], ann: User, provider: FakeProvider) -> None:
    Document.objects.bulk_create([Document(user=ann, text="Many words here. " * 3000), Document(user=ann, text=" ")])
    Note.objects.bulk_create([Note(author=ann, title="unbuildable")])
    output = backfill("--dry-run")
    assert "6 entities would be embedded: " in output
    assert "At least 2 requests. What they cost is not known of this model." in output
    assert "1 have no content and 1 could not be built" in output
    estimate = facts("--dry-run")
    assert (estimate["entities"], estimate["sampled"], estimate["requests"], estimate["dollars"]) == (6, 6, 2, None)
    assert estimate["chunks"] == 3 + 3 and estimate["tokens"] > 15_000
    assert (DirtyEntity.objects.count(), EmbeddingState.objects.count(), provider.calls) == (0, 0, 0)


def test_the_estimate_is_what_is_then_embedded(notes: list[Note], ann: User, provider: FakeProvider) -> None:
    Document.objects.bulk_create([Document(user=ann, text=" ".join(f"Sentence {number} of many." for number in range(3000)))])
    estimate = facts("--dry-run")
    backfill("--here")
    assert len(provider.texts) == estimate["chunks"]
    assert sum(map(provider.estimate_tokens, provider.texts)) == estimate["tokens"]


def test_a_large_estimate_is_reckoned_from_a_sample_and_says_so(ann: User) -> None:
    Note.objects.bulk_create([Note(author=ann, title="the same words") for _ in range(2500)])
    output = backfill("--dry-run")
    assert "2,500 entities would be embedded: about 2,500 chunks, about 12,500 tokens." in output
    assert "Reckoned from 2,000 of the entities, chosen at random." in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--type", "ship"], "Unknown entity type 'ship'"),
        (["--user", "nobody"], "There is no user 'nobody'"),
        (["--since", "yesterday"], "'yesterday' is no date"),
        (["--since", "2026-13-45"], "is no date"),
        (["--since", "2026-03-31", "--type", "country"], r"testapp\.Country has no date that Django sets when its rows change"),
        (["--limit", "0"], "'0' is not a whole number of at least 1"),
        (["--limit", "many"], "'many' is not a whole number"),
        (["--here", "--no-wait"], "nothing that --no-wait could leave"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_before_anything_is_written(notes: list[Note], arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        backfill(*arguments)
    assert DirtyEntity.objects.count() == 0


@override_settings(RQ_QUEUES={"embeddings": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}})
def test_without_redis_nothing_is_marked_and_here_works(notes: list[Note]) -> None:
    with pytest.raises(CommandError, match="Redis"):
        backfill()
    assert DirtyEntity.objects.count() == 0
    assert "All are embedded." in backfill("--here")


def test_its_jobs_wait_behind_a_users_save(notes: list[Note], bob: User) -> None:
    backfill("--no-wait")
    Note.objects.create(author=bob, title="just saved")
    assert [job.name for job in get_queue("embeddings").jobs("waiting")] == ["generate-embedding", "bulk-embed"]


def test_what_failed_before_and_was_not_asked_for_is_no_failure_of_this_run(notes: list[Note], bob: User) -> None:
    Note.objects.create(author=bob, title="unbuildable")
    run_jobs("embeddings", delayed=True)
    assert DirtyEntity.objects.parked().count() == 1
    assert "All are embedded." in backfill("--here", "--user", "ann")
    with pytest.raises(CommandError, match="1 entity could not be embedded"):
        backfill("--here")


def test_vanished_vectors_are_paid_for_again_and_wrong_owners_are_mended(notes: list[Note], bob: User, provider: FakeProvider) -> None:
    backfill("--here")
    Embedding.objects.filter(content="note 0").delete()
    Note.objects.filter(title="note 1").update(author=bob)
    assert facts("--here")["marked"] == 2
    assert provider.texts.count("note 0") == 2 and "note 2" not in provider.texts[3:]
    Embedding.objects.filter(content="note 2").update(user=bob)
    assert facts("--here")["marked"] == 1
    assert set(Embedding.objects.values_list("content", "user__username")) == {("note 0", "ann"), ("note 1", "bob"), ("note 2", "ann")}
