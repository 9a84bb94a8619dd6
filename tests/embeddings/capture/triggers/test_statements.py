"""What statements change is captured by triggers, whoever sends them."""

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F

from embeddings.models import DirtyEntity
from tests.embeddings.capture.conftest import fanned_out, forget, owed, settle, sql
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Article, Comment, Country, Note, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


def test_saves_and_deletes_are_indexed_by_the_next_sweep(ann: User, bob: User) -> None:
    note = Note.objects.create(author=ann, title="first")
    assert work() == 0, "no job was sent"
    settle()
    assert stored() == {("note", str(note.pk), "first")}
    note.title, note.author = "second", bob
    note.save()
    settle()
    assert stored() == {("note", str(note.pk), "second")}
    note.delete()
    settle()
    assert (stored(), DirtyEntity.objects.count()) == (set(), 0)


def test_integer_uuid_and_string_keys_are_captured_by_any_statement(ann: User) -> None:
    key = uuid.uuid4()
    sql("INSERT INTO testapp_note (id, author_id, title, body, views, is_hidden) VALUES (7, %s, 'n', '', 0, false)", ann.pk)
    sql("INSERT INTO testapp_document (id, user_id, text) VALUES (%s, %s, 'd')", key, ann.pk)
    sql("INSERT INTO testapp_country (code, user_id, name) VALUES ('HU', %s, 'c')", ann.pk)
    settle()
    assert stored() == {("note", "7", "n"), ("document", str(key), "d"), ("country", "HU", "c")}
    for table, column in (("note", "title"), ("document", "text"), ("country", "name")):
        sql(f"UPDATE testapp_{table} SET {column} = 'new'")
    settle()
    assert stored() == {("note", "7", "new"), ("document", str(key), "new"), ("country", "HU", "new")}
    for table in ("note", "document", "country"):
        sql(f"DELETE FROM testapp_{table}")
    settle()
    assert stored() == set()


def test_copy_upserts_and_merges_are_captured(ann: User) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY testapp_country (code, user_id, name) FROM STDIN") as copy:
        copy.write_row(("HU", ann.pk, "Hungary"))
        copy.write_row(("AT", ann.pk, "Austria"))
    assert owed() == {("country", "HU"), ("country", "AT")}
    forget()
    upsert = "INSERT INTO testapp_country VALUES ('HU', 'x', %s), ('DE', 'y', %s) ON CONFLICT (code) DO UPDATE SET name = excluded.name"
    sql(upsert, ann.pk, ann.pk)
    assert owed() == {("country", "HU"), ("country", "DE")}
    forget()
    sql("MERGE INTO testapp_country AS c USING (VALUES ('AT')) AS v (code) ON c.code = v.code WHEN MATCHED THEN UPDATE SET name = 'z'")
    assert owed() == {("country", "AT")}


def test_bulk_writes_of_django_are_captured(ann: User) -> None:
    notes = Note.objects.bulk_create([Note(author=ann, title=str(number)) for number in range(3)])
    settle()
    Note.objects.filter(pk=notes[0].pk).update(title="updated")
    notes[1].title = "bulk updated"
    Note.objects.bulk_update(notes[1:2], ["title"])
    Note.objects.filter(pk=notes[2].pk)._raw_delete("default")
    settle()
    assert {content for _, _, content in stored()} == {"updated", "bulk updated"}


def test_truncate_marks_every_row_that_there_was(ann: User, article: Article) -> None:
    Country.objects.create(code="HU", user=ann, name="Hungary")
    Comment.objects.create(article=article, text="nice")
    settle()
    sql("TRUNCATE testapp_country, testapp_comment")
    assert owed() == {("country", "HU"), ("article", str(article.pk))}
    settle()
    assert stored() == {("article", str(article.pk), "an article")}


def test_cascades_of_the_database_are_captured(ann: User, note: Note) -> None:
    sql("ALTER TABLE testapp_note ADD CONSTRAINT cascade FOREIGN KEY (shelf_id) REFERENCES testapp_shelf ON DELETE CASCADE")
    try:
        sql("DELETE FROM testapp_shelf")
    finally:
        sql("ALTER TABLE testapp_note DROP CONSTRAINT cascade")
    assert owed() == {("note", str(note.pk))}
    settle()
    assert stored() == set()


def test_a_changed_key_marks_the_old_and_the_new_one(ann: User) -> None:
    for code in ("HU", "AT", "DE"):
        Country.objects.create(code=code, user=ann, name=code)
    settle()
    sql("UPDATE testapp_country SET code = 'XX' WHERE code = 'HU'")
    assert owed() == {("country", "HU"), ("country", "XX")}
    settle()
    sql("ALTER TABLE testapp_country DROP CONSTRAINT testapp_country_pkey")
    try:  # two rows in each other's place
        sql("UPDATE testapp_country SET code = CASE code WHEN 'AT' THEN 'DE' ELSE 'AT' END WHERE code IN ('AT', 'DE')")
    finally:
        sql("ALTER TABLE testapp_country ADD CONSTRAINT testapp_country_pkey PRIMARY KEY (code)")
    settle()
    assert stored() == {("country", "XX", "HU"), ("country", "DE", "AT"), ("country", "AT", "DE")}


def test_what_does_not_matter_marks_nothing(note: Note, article: Article) -> None:
    Note.objects.update(views=F("views") + 1)
    Note.objects.update(title=F("title"))
    Shelf.objects.update(color="red")
    User.objects.update(last_name="Smith")
    Note.objects.filter(title="nobody's").update(title="x")
    assert (owed(), fanned_out()) == (set(), set())
    Note.objects.update(title="First")
    assert owed() == {("note", str(note.pk))}, "another case is another text"


def test_only_the_changed_rows_of_a_statement_are_marked(ann: User) -> None:
    notes = Note.objects.bulk_create([Note(author=ann, title=str(number)) for number in range(5)])
    forget()
    sql("UPDATE testapp_note SET title = CASE WHEN id = %s THEN 'new' ELSE title END, views = 9", notes[3].pk)
    assert owed() == {("note", str(notes[3].pk))}


def test_a_rolled_back_statement_marks_nothing(note: Note) -> None:
    with transaction.atomic():
        Note.objects.update(title="second")
        assert owed() == {("note", str(note.pk))}
        transaction.set_rollback(True)
    assert owed() == set()


def test_a_marked_row_gets_a_new_version_and_is_taken_up_again_if_parked(note: Note) -> None:
    Note.objects.update(title="second")
    DirtyEntity.objects.update(parked_reason="it died")
    (before,) = DirtyEntity.objects.all()
    Note.objects.update(title="third")
    (after,) = DirtyEntity.objects.all()
    assert after.version > before.version and after.parked_reason == ""
    settle()
    assert {content for _, _, content in stored()} == {"third on the shelf cooking"}


def test_ten_thousand_rows_are_marked_by_one_statement(ann: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO testapp_note (author_id, title, body, views, is_hidden)"
            " SELECT %s, 'n', '', 0, false FROM generate_series(1, 10000)",
            [ann.pk],
        )
    assert DirtyEntity.objects.filter(entity_type="note").values("version").distinct().count() == 10_000
