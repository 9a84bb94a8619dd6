"""What changes while a worker waits for the provider: the newest wins, and nobody finds what is not theirs."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from embeddings import search
from embeddings.models import Embedding, EmbeddingState
from embeddings.testing.openai_server import OpenAIServer
from queues import add_jobs, get_queue, get_queue_stats
from tests.chaos.installation import Installation, assert_nothing_was_charged
from tests.chaos.truth import assert_index_is_right, lost
from tests.processes import wait_until
from tests.testapp.models import Note

CALL_SECONDS = 1.0


@pytest.fixture
def bob(home: Installation) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def asked(home: Installation, ann: User, provider: OpenAIServer, provider_environment: dict[str, str]) -> Note:
    """A note of Ann's whose content a worker has just sent to a slow provider, while another worker is free."""
    home.start_workers(2, **provider_environment)
    provider.answer(status=200, delay_seconds=CALL_SECONDS, times=1)
    note = Note.objects.create(author=ann, title="first words")
    wait_until(lambda: provider.requests)
    return note


def test_an_edit_arriving_during_the_provider_call(home: Installation, asked: Note) -> None:
    asked.title = "second words"
    asked.save()
    assert lost() == {}
    wait_until(lambda: Embedding.objects.filter(content="second words"))
    home.wait_until_served()
    assert [row.content for row in Embedding.objects.all()] == ["second words"], "the slow answer came last, and lost"
    assert_index_is_right()
    assert_nothing_was_charged()


def test_an_edit_whose_job_is_lost_during_the_provider_call(home: Installation, asked: Note) -> None:
    get_queue("embeddings").pause()  # or the free worker may have begun before the job is lost; the pause is lost with it
    asked.title = "second words"
    asked.save()
    home.redis.client.flushall()
    wait_until(Embedding.objects.exists)
    assert lost() == {}, "the answer to what was asked clears no newer version"
    home.wait_until_served()
    assert_index_is_right()


def test_a_transfer_of_ownership_during_the_provider_call(home: Installation, ann: User, bob: User, asked: Note) -> None:
    asked.author = bob
    asked.save()
    assert search(ann, "words") == []
    home.wait_until_served()
    assert search(ann, "words") == []
    assert [hit.entity for hit in search(bob, "words")] == [asked]
    assert_index_is_right()
    assert_nothing_was_charged()


def test_rows_that_go_or_come_back_during_the_provider_call(
    home: Installation, ann: User, provider: OpenAIServer, provider_environment: dict[str, str]
) -> None:
    home.start_workers(2, **provider_environment)
    with transaction.atomic():
        deleted, hidden, emptied, restored, back = (Note.objects.create(author=ann, title=f"words {number}") for number in range(5))
    provider.answer(status=200, delay_seconds=CALL_SECONDS, times=1)
    wait_until(lambda: provider.requests)
    deleted.delete()
    hidden.is_hidden, emptied.title = True, ""
    hidden.save()
    emptied.save()
    for restored.is_hidden in (True, False):
        restored.save()
    for back.title in ("other words", "words 4"):
        back.save()
    assert lost() == {}
    home.wait_until_served()
    assert {hit.entity for hit in search(ann, "words")} == {restored, back}
    assert set(Embedding.objects.values_list("content", flat=True)) == {"words 3", "words 4"}
    assert_index_is_right()
    assert_nothing_was_charged()


def test_two_workers_on_one_entity(home: Installation, ann: User, asked: Note, provider: OpenAIServer) -> None:
    """Two jobs for it at once, both at the provider; then savers in two threads while more jobs than saves run."""
    payload = {"user_id": ann.pk, "entity_type": "note", "entity_id": str(asked.pk)}
    add_jobs("embeddings", [("generate-embedding", payload)])
    wait_until(lambda: len(provider.requests) == 2)

    def save(word: str) -> None:
        for number in range(40):
            Note.objects.filter(pk=asked.pk).get().save()
            note = Note.objects.get(pk=asked.pk)
            note.title = f"{word} {number}"
            note.save()
            add_jobs("embeddings", [(name, payload) for name in ("generate-embedding", "delete-embedding")])
        connection.close()

    savers = [threading.Thread(target=save, args=[word]) for word in ("left", "right")]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    wait_until(lambda: not get_queue_stats("embeddings").waiting)
    home.wait_until_served()
    assert EmbeddingState.objects.count() == Embedding.objects.count() == 1
    assert_index_is_right()
    assert_nothing_was_charged()
