from django.contrib.auth.models import User
from django.test import TestCase

from embeddings import search
from embeddings.testing import captured_changes, fake_provider, run_pending
from notes.models import Note


class NoteTests(TestCase):
    """In a transaction that never commits, and without Redis."""

    def setUp(self) -> None:
        self.provider = self.enterContext(fake_provider())
        self.ann = User.objects.create_user("ann")
        self.bob = User.objects.create_user("bob")

    def test_a_note_is_found_by_its_author_alone(self) -> None:
        note = Note.objects.create(author=self.ann, title="The heart doctor", body="on Monday at nine")
        run_pending()
        self.assertEqual([hit.entity for hit in search(self.ann, "doctor")], [note])
        self.assertEqual(search(self.bob, "doctor"), [])

    def test_a_new_body_is_embedded(self) -> None:
        note = Note.objects.create(author=self.ann, title="The heart doctor")
        run_pending()
        note.body = "has moved to Budapest"
        with captured_changes() as changes:
            note.save()
        self.assertEqual([change.entity for change in changes], [("note", str(note.pk))])
        run_pending()
        self.assertEqual(search(self.ann, "Budapest")[0].content, "The heart doctor. has moved to Budapest")

    def test_a_deleted_note_is_not_found(self) -> None:
        note = Note.objects.create(author=self.ann, title="The heart doctor")
        run_pending()
        note.delete()
        self.assertEqual(search(self.ann, "doctor"), [], "not even before a worker has run")
