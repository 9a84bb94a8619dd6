import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from embeddings import embeddings_disabled, mark_dirty
from embeddings.owing.changes import Change
from embeddings.testing import captured_changes, run_pending
from queues import get_queue_stats
from queues.testing import enqueued_jobs, memory_queues, run_jobs
from tests.testapp.models import Note, Shelf


def operations(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.entity_type, change.entity_id, change.operation) for change in changes]


class Changes:
    """The same where every save commits and where nothing ever does."""

    def setUp(self) -> None:
        self.ann = User.objects.create_user("ann")

    def test_each_save_and_deletion_is_a_change_in_order(self) -> None:
        Note.objects.create(author=self.ann, title="before")
        with captured_changes() as changes:
            note = Note.objects.create(author=self.ann, title="a")
            key = str(note.pk)
            note.save()
            note.delete()
            assert changes == [], "the list is there when the block has ended"
        assert operations(changes) == [("note", key, "create"), ("note", key, "update"), ("note", key, "delete")]
        assert {change.owner_id for change in changes} == {str(self.ann.pk)}

    def test_a_rolled_back_savepoint_is_dropped(self) -> None:
        with captured_changes() as changes, transaction.atomic():
            kept = Note.objects.create(author=self.ann, title="kept")
            with pytest.raises(RuntimeError), transaction.atomic():
                Note.objects.create(author=self.ann, title="dropped")
                raise RuntimeError
        assert operations(changes) == [("note", str(kept.pk), "create")]

    def test_a_rolled_back_transaction_is_dropped(self) -> None:
        with captured_changes() as changes, pytest.raises(RuntimeError), transaction.atomic():
            Note.objects.create(author=self.ann, title="dropped")
            raise RuntimeError
        assert changes == []

    def test_what_a_block_captures_after_an_error_in_it_is_kept(self) -> None:
        with pytest.raises(RuntimeError), captured_changes() as changes:
            Note.objects.create(author=self.ann, title="a")
            raise RuntimeError
        assert len(changes) == 1

    def test_a_save_of_other_fields_or_with_embeddings_disabled_is_none(self) -> None:
        note = Note.objects.create(author=self.ann, title="a")
        with captured_changes() as changes:
            note.save(update_fields=["views"])
            with embeddings_disabled():
                note.save()
        assert changes == []

    def test_rows_marked_by_hand_are_changes(self) -> None:
        Note.objects.bulk_create([Note(author=self.ann, title="a"), Note(author=self.ann, title="b")])
        with captured_changes() as changes:
            mark_dirty(Note.objects.all())
        assert len(changes) == 2

    def test_blocks_nest(self) -> None:
        with captured_changes() as outer:
            first = Note.objects.create(author=self.ann, title="a")
            with captured_changes() as inner:
                second = Note.objects.create(author=self.ann, title="b")
        assert [change.entity_id for change in outer] == [str(first.pk), str(second.pk)]
        assert [change.entity_id for change in inner] == [str(second.pk)]

    def test_what_depends_on_a_changed_row_is_captured_when_its_fan_out_is_expanded(self) -> None:
        shelf = Shelf.objects.create(name="a")
        note = Note.objects.create(author=self.ann, title="a", shelf=shelf)
        with captured_changes() as changes:
            shelf.save()
        assert changes == []
        with captured_changes() as changes:
            run_pending()
        assert operations(changes) == [("note", str(note.pk), "update")]


class TestInTransactions(Changes, TestCase):
    def test_the_commit_is_captured_too_and_nothing_is_counted_twice(self) -> None:
        with captured_changes() as changes, self.captureOnCommitCallbacks(execute=True), memory_queues():
            Note.objects.create(author=self.ann, title="a")
        assert len(changes) == 1

    def test_what_was_captured_before_and_commits_in_the_block_is_not_of_it(self) -> None:
        with memory_queues(), captured_changes() as outer:
            with self.captureOnCommitCallbacks() as callbacks:
                Note.objects.create(author=self.ann, title="a")
            with captured_changes() as changes:
                for callback in callbacks:
                    callback()
            assert changes == []
            assert len(enqueued_jobs("embeddings")) == 1
        assert len(outer) == 1


class TestWithCommits(Changes, TransactionTestCase):
    def test_the_jobs_are_enqueued_all_the_same(self) -> None:
        run_jobs("embeddings")
        with captured_changes() as changes:
            Note.objects.create(author=self.ann, title="a")
        assert (len(changes), get_queue_stats("embeddings").waiting) == (1, 1)
