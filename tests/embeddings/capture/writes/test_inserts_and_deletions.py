"""Bulk inserts and deletions through the mixin are captured in their transaction."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests.embeddings.capture.conftest import captured, forget, jobs, owed
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Article, Attachment, Country, Document, Note, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


def test_bulk_create_of_integer_uuid_and_string_keys_is_indexed(ann: User) -> None:
    (note,) = captured(Note).bulk_create([Note(author=ann, title="a note")])
    (document,) = captured(Document).bulk_create(iter([Document(user=ann, text="a document")]))
    captured(Country).bulk_create([Country(code="HU", user=ann, name="Hungary")])
    assert {(job.data["user_id"], job.data["operation"]) for job in jobs()} == {(str(ann.pk), "create")}
    work()
    assert stored() == {("note", str(note.pk), "a note"), ("document", str(document.pk), "a document"), ("country", "HU", "Hungary")}


def test_an_owner_behind_a_relation_costs_no_query_for_a_hint(ann: User, django_assert_num_queries: Any) -> None:
    article = Article.objects.create(author=ann, title="an article")
    rows = [Attachment(article_id=article.pk, name=str(number)) for number in range(3)]
    with django_assert_num_queries(4):  # BEGIN, INSERT, the dirty rows, COMMIT
        captured(Attachment).bulk_create(rows)
    assert {("attachment", str(row.pk)) for row in rows} <= owed()


def test_an_upsert_marks_the_row_that_it_found_under_another_key(ann: User) -> None:
    Document.objects.create(id=uuid.UUID(int=1), user=ann, text="old")
    Country.objects.create(code="HU", user=ann, name="Ungarn")
    forget()
    with connection.cursor() as cursor:
        cursor.execute('CREATE UNIQUE INDEX document_text ON testapp_document ("text")')
    try:
        rows = [Document(id=uuid.UUID(int=2), user=ann, text="old"), Document(id=uuid.UUID(int=3), user=ann, text="new")]
        captured(Document).bulk_create(rows, update_conflicts=True, update_fields=["user"], unique_fields=["text"])
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX document_text")
    assert {("document", str(uuid.UUID(int=1))), ("document", str(uuid.UUID(int=3)))} <= owed()
    hungary = [Country(code="HU", user=ann, name="Hungary")]
    captured(Country).bulk_create(hungary, update_conflicts=True, update_fields=["name"], unique_fields=["pk"])
    work()
    assert ("country", "HU", "Hungary") in stored()


def test_an_upsert_of_related_rows_marks_what_depends_on_them(note: Note) -> None:
    shelf = Shelf(pk=note.shelf_id, name="kitchen")
    captured(Shelf).bulk_create([shelf], update_conflicts=True, update_fields=["name"], unique_fields=["id"])
    work()
    assert stored() == {("note", str(note.pk), "first on the shelf kitchen")}


def test_ignored_conflicts_mark_the_keys_that_are_known(ann: User) -> None:
    Country.objects.create(code="HU", user=ann, name="Hungary")
    forget()
    captured(Country).bulk_create([Country(code=code, user=ann, name=code) for code in ("HU", "AT")], ignore_conflicts=True)
    captured(Note).bulk_create([Note(author=ann, title="of an unknown key")], ignore_conflicts=True)
    assert owed() == {("country", "HU"), ("country", "AT")}, "the note is the reconciler's"


def test_deletions_are_captured_fast_path_and_all(ann: User) -> None:
    notes = [Note.objects.create(author=ann, title=str(number)) for number in range(3)]
    forget()
    captured(Note).filter(title="0").delete()
    assert owed() == {("note", str(notes[0].pk))}, "Django collects, as there are receivers"
    captured(Note).filter(title="1")._raw_delete("default")
    assert owed() == {("note", str(note.pk)) for note in notes[:2]}
    assert list(Note.objects.all()) == [notes[2]]
