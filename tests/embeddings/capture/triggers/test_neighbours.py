"""Triggers beside signals, other roles, other sessions and migrations."""

import threading

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.commands import flush
from django.db import ProgrammingError, connection, transaction
from django.test import override_settings

from embeddings.capture.triggers.functions import function_name
from embeddings.capture.triggers.installation import remove, status
from embeddings.models import DirtyEntity
from queues import get_queue
from tests.embeddings.capture.conftest import forget, owed, sql
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Article, Comment, Note, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


def test_signals_and_triggers_together_do_no_harm(ann: User) -> None:
    with override_settings(EMBEDDINGS_SIGNALS=True):
        with transaction.atomic():
            note = Note.objects.create(author=ann, title="first", shelf=Shelf.objects.create(name="a"))
            note.shelf.name = "b"
            note.shelf.save()
        assert len(get_queue("embeddings").jobs("waiting")) == 2
        work()
        assert (stored(), DirtyEntity.objects.count()) == ({("note", str(note.pk), "first on the shelf b")}, 0)
        note.delete()
        work()
        assert (stored(), DirtyEntity.objects.count()) == (set(), 0)


def test_a_writer_needs_no_rights_on_the_tables_of_embeddings(note: Note) -> None:
    sql("CREATE ROLE embeddings_writer")
    try:
        sql("GRANT USAGE ON SCHEMA public TO embeddings_writer")
        sql("GRANT SELECT, UPDATE ON testapp_note TO embeddings_writer")
        with transaction.atomic():
            sql("CREATE TEMP TABLE embeddings_dirtyentity (LIKE public.embeddings_dirtyentity)")
            sql("SET LOCAL ROLE embeddings_writer")
            sql("UPDATE testapp_note SET title = 'by another role'")
            sql("RESET ROLE")
            sql("DROP TABLE pg_temp.embeddings_dirtyentity")
        assert owed() == {("note", str(note.pk))}
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            sql("SET LOCAL ROLE embeddings_writer")
            sql("SELECT * FROM embeddings_dirtyentity")
    finally:
        sql("DROP OWNED BY embeddings_writer")
        sql("DROP ROLE embeddings_writer")


def test_overlapping_statements_in_different_orders_do_not_deadlock_over_the_dirty_rows(ann: User) -> None:
    """Two statements on different rows that mark the same entities: comments of the same articles, last one first."""
    articles = Article.objects.bulk_create([Article(author=ann, title=str(number)) for number in range(500)])
    Comment.objects.bulk_create([Comment(article=article, text="0") for article in articles])
    Comment.objects.bulk_create([Comment(article=article, text="1") for article in reversed(articles)])
    forget()
    errors: list[Exception] = []
    start = threading.Barrier(2)

    def update(text: str) -> None:
        try:
            start.wait()
            for _ in range(30):
                sql("UPDATE testapp_comment SET text = text || '.' WHERE text LIKE %s", f"{text}%")
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=update, args=[text]) for text in ("0", "1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(owed()) == 500


def test_after_a_dropped_column_the_error_says_what_to_do(note: Note) -> None:
    sql("ALTER TABLE testapp_note RENAME COLUMN body TO text")
    try:
        with pytest.raises(ProgrammingError) as raised:
            sql("UPDATE testapp_note SET title = 'second'")
        cause = raised.value.__cause__
        assert isinstance(cause, psycopg.Error)
        assert "body does not exist" in str(cause)
        assert "manage.py embeddings_triggers install" in (cause.diag.internal_query or "")
        assert "embeddings_on_note_testapp_note" in (cause.diag.context or "")
    finally:
        sql("ALTER TABLE testapp_note RENAME COLUMN text TO body")


def test_migrate_renews_triggers_where_there_are_any(note: Note) -> None:
    sql(f"DROP TRIGGER {function_name('note', 'testapp_note')}_insert ON testapp_note")
    call_command("migrate", "testapp", "0001", verbosity=0)
    try:
        assert {state.state for state in status(using="default")} <= {"installed", "missing"}
    finally:
        call_command("migrate", "testapp", verbosity=0)
    assert {state.state for state in status(using="default")} == {"installed"}
    remove(using="default")
    call_command("migrate", "testapp", "0001", verbosity=0)
    call_command("migrate", "testapp", verbosity=0)
    assert {state.state for state in status(using="default")} == {"missing"}


def test_emptying_the_whole_database_leaves_nothing_owed(note: Note) -> None:
    call_command(flush.Command(), interactive=False, verbosity=0)
    assert (Note.objects.count(), owed()) == (0, set())
