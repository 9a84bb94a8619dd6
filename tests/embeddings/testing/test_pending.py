import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections, transaction
from django.test import TestCase, TransactionTestCase, override_settings

from embeddings import search
from embeddings.exceptions import ProviderUnavailable
from embeddings.models import DirtyEntity, EmbeddingState, FanOut
from embeddings.providers.fake import FakeProvider
from embeddings.testing import fake_provider, run_pending
from queues.exceptions import EndlessJobs
from queues.testing import enqueued_jobs, memory_queues, run_jobs
from tests.embeddings.conftest import stored, vector_rows
from tests.testapp.models import Document, Note, Shelf

NO_REDIS = {"embeddings": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}}


def contents() -> set[str]:
    return {content for _, _, content in stored()}


class Pending:
    """The same in a transaction of the test's and without one."""

    def setUp(self) -> None:
        self.ann = User.objects.create_user("ann")
        self.provider: FakeProvider = self.enterContext(fake_provider())  # type: ignore[attr-defined]

    def test_what_is_saved_is_found_and_each_entity_counts_once(self) -> None:
        note = Note.objects.create(author=self.ann, title="heart doctor")
        note.save()
        Document.objects.create(user=self.ann, text="a contract")
        assert run_pending() == 2
        assert [hit.entity for hit in search(self.ann, "doctor")] == [note]
        assert not DirtyEntity.objects.exists()

    def test_with_nothing_owed_nothing_is_done(self) -> None:
        Note.objects.create(author=self.ann, title="a")
        assert (run_pending(), run_pending(), self.provider.calls) == (1, 0, 1)

    def test_what_is_deleted_is_removed(self) -> None:
        note = Note.objects.create(author=self.ann, title="a")
        run_pending()
        note.delete()
        assert (run_pending(), stored()) == (1, set())

    def test_what_depends_on_a_changed_row_is_served_too(self) -> None:
        shelf = Shelf.objects.create(name="left")
        for title in "ab":
            Note.objects.create(author=self.ann, title=title, shelf=shelf)
        run_pending()
        shelf.name = "right"
        shelf.save()
        assert FanOut.objects.count() == 1
        assert (run_pending(), contents()) == (2, {"a on the shelf right", "b on the shelf right"})
        assert not FanOut.objects.exists()

    def test_the_first_failure_is_raised_with_its_entity_when_the_others_have_been_served(self) -> None:
        note = Note.objects.create(author=self.ann, title="unbuildable")
        Note.objects.create(author=self.ann, title="good")
        with pytest.raises(ValueError, match="this note has no content") as raised:
            run_pending()
        assert raised.value.__notes__ == [f"This is the failure of note {note.pk}."]
        assert contents() == {"good"}

    def test_a_failure_parks_and_a_new_save_takes_it_up(self) -> None:
        self.provider.refuse("bad")
        note = Note.objects.create(author=self.ann, title="bad")
        Note.objects.create(author=self.ann, title="good")
        assert run_pending(propagate=False) == 1
        assert DirtyEntity.objects.parked().get().parked_reason == "InvalidInput: The fake provider refuses a text."
        assert run_pending() == 0, "what is parked waits for a person"
        note.title = "better"
        note.save()
        assert (run_pending(), contents()) == (1, {"better", "good"})

    def test_an_unwell_provider_is_raised_and_the_rows_are_still_owed(self) -> None:
        Note.objects.create(author=self.ann, title="a")
        self.provider.go_down()
        with pytest.raises(ProviderUnavailable):
            run_pending(propagate=False)
        assert DirtyEntity.objects.pending().count() == 1
        self.provider.reset()
        assert run_pending() == 1

    def test_a_save_during_the_provider_call_is_served_in_the_same_call(self) -> None:
        note = Note.objects.create(author=self.ann, title="old")

        def edit(texts: Any) -> None:
            self.provider.during_call = None
            note.title = "new"
            note.save()

        self.provider.during_call = edit
        assert (run_pending(), contents()) == (1, {"new"})

    def test_an_entity_that_changes_whenever_it_is_indexed_does_not_hang_the_test(self) -> None:
        note = Note.objects.create(author=self.ann, title="0")

        def edit(texts: Any) -> None:
            note.title = str(int(note.title) + 1)
            note.save()

        self.provider.during_call = edit
        with memory_queues(), pytest.raises(EndlessJobs, match="100 rounds"):
            run_pending()

    def test_no_redis_is_needed_for_what_it_does(self) -> None:
        with memory_queues():
            shelf = Shelf.objects.create(name="left")
            Note.objects.create(author=self.ann, title="a", shelf=shelf)
            shelf.save()
        with override_settings(RQ_QUEUES=NO_REDIS), self.assertNoLogs("embeddings", "ERROR"):  # type: ignore[attr-defined]
            assert run_pending() == 1


class TestInTransactions(Pending, TestCase):
    def test_neither_the_saves_nor_what_it_captures_have_to_commit(self) -> None:
        with self.captureOnCommitCallbacks() as callbacks:
            shelf = Shelf.objects.create(name="left")
            Note.objects.create(author=self.ann, title="a", shelf=shelf)
            shelf.save()
        with self.captureOnCommitCallbacks() as others:
            assert run_pending() == 1
        assert callbacks and others == [], "its own captures leave nothing for the test's commit"

    def test_jobs_that_leave_later_find_nothing_to_do(self) -> None:
        with memory_queues():
            with self.captureOnCommitCallbacks(execute=True):
                Note.objects.create(author=self.ann, title="a")
                run_pending()
            before = vector_rows()
            assert (run_jobs("embeddings"), self.provider.calls, vector_rows()) == (1, 1, before)


class TestWithCommits(Pending, TransactionTestCase):
    def test_jobs_that_wait_find_nothing_to_do(self) -> None:
        with memory_queues():
            shelf = Shelf.objects.create(name="left")
            Note.objects.create(author=self.ann, title="a", shelf=shelf)
            shelf.save()
            waiting = {job.id for job in enqueued_jobs("embeddings")}
            assert (run_pending(), {job.id for job in enqueued_jobs("embeddings")}) == (1, waiting), "it enqueues nothing"
            before = vector_rows()
            run_jobs("embeddings")
            assert (enqueued_jobs("embeddings"), self.provider.calls, vector_rows()) == ([], 1, before)

    def test_a_row_that_another_transaction_holds_is_left_to_it(self) -> None:
        note = Note.objects.create(author=self.ann, title="a")
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with transaction.atomic():
                note.save()
                held.set()
                done.wait(10)
            connections.close_all()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait(10)
        try:
            assert run_pending() == 1
        finally:
            done.set()
            thread.join()
        assert DirtyEntity.objects.count() == 1, "the other's save came later"
        assert run_pending() == 1


@pytest.fixture
def settings_with_two_databases() -> Iterator[None]:
    with override_settings(EMBEDDINGS_DATABASES=("default", "other")):
        yield


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_all_databases_are_served(settings_with_two_databases: None) -> None:
    with fake_provider() as provider:
        for using in ("default", "other"):
            Note.objects.using(using).create(author=User.objects.using(using).create(username="ann"), title=f"in {using}")
        assert run_pending() == 2
        assert sorted(provider.texts) == ["in default", "in other"]
    assert EmbeddingState.objects.using("other").get().model.database == "other"


@pytest.mark.django_db
def test_a_database_that_the_test_may_not_use_is_left_out(settings_with_two_databases: None, ann: User) -> None:
    with fake_provider():
        Note.objects.create(author=ann, title="a")
        assert run_pending() == 1
