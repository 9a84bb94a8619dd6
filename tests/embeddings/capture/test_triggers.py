"""What statements change is captured by triggers, whoever sends them. Signals are off here: nothing else captures."""

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.commands import flush
from django.db import ProgrammingError, connection, models, transaction
from django.db.models import F
from django.test import override_settings

from embeddings.capture.installation import install, remove, status
from embeddings.capture.triggers import function_name
from embeddings.models import DirtyEntity
from queues import get_queue
from tests.embeddings.capture.conftest import badges, fanned_out, forget, owed, registered, settle
from tests.embeddings.conftest import stored, work
from tests.testapp.models import (
    Article,
    Attachment,
    Car,
    Comment,
    Country,
    Document,
    LongNote,
    Note,
    Room,
    Shelf,
    Tag,
    Vehicle,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def triggers(transactional_db: None) -> Iterator[None]:
    install(using="default")
    with override_settings(EMBEDDINGS_SIGNALS=False):
        yield
    remove(using="default")


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@pytest.fixture
def note(ann: User) -> Note:
    note = Note.objects.create(author=ann, title="first", shelf=Shelf.objects.create(name="cooking"))
    settle()
    return note


@pytest.fixture
def article(ann: User) -> Article:
    article = Article.objects.create(author=ann, title="an article")
    settle()
    return article


# with nothing but triggers


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


# related rows


def test_a_changed_shelf_and_its_room_fan_out(note: Note) -> None:
    Shelf.objects.update(name="kitchen")
    assert (owed(), fanned_out()) == (set(), {("note", "shelf", str(note.shelf_id))})
    settle()
    assert stored() == {("note", str(note.pk), "first on the shelf kitchen")}
    room = Room.objects.create(name="cellar")
    Shelf.objects.update(room=room)
    settle()
    assert stored() == {("note", str(note.pk), "first on the shelf kitchen in the cellar")}
    Room.objects.update(name="attic")
    assert fanned_out() == {("note", "shelf__room", str(room.pk))}
    settle()
    assert stored() == {("note", str(note.pk), "first on the shelf kitchen in the attic")}
    Room.objects.all().delete()
    settle()
    assert stored() == {("note", str(note.pk), "first on the shelf kitchen")}


def test_a_deleted_shelf_sets_its_notes_null_which_marks_them(note: Note) -> None:
    Shelf.objects.get().delete()
    settle()
    assert stored() == {("note", str(note.pk), "first")}


def test_comments_mark_their_article_the_old_and_the_new_one(article: Article, ann: User) -> None:
    other = Article.objects.create(author=ann, title="other")
    settle()
    comments = Comment.objects.bulk_create([Comment(article=article, text=text) for text in ("good", "bad")])
    assert owed() == {("article", str(article.pk))}
    settle()
    Comment.objects.filter(pk=comments[0].pk).update(article=other)
    assert owed() == {("article", str(article.pk)), ("article", str(other.pk))}
    settle()
    assert stored() == {("article", str(article.pk), "an article bad"), ("article", str(other.pk), "other good")}
    sql("DELETE FROM testapp_comment")
    settle()
    assert stored() == {("article", str(article.pk), "an article"), ("article", str(other.pk), "other")}


def test_tags_and_their_rows_between(article: Article) -> None:
    tag = Tag.objects.create(name="red")
    assert (owed(), fanned_out()) == (set(), set()), "a new tag is nobody's yet"
    tag.article_set.add(article)
    settle()
    assert stored() == {("article", str(article.pk), "an article red")}
    Tag.objects.update(name="blue")
    settle()
    assert stored() == {("article", str(article.pk), "an article blue")}
    tag.delete()
    settle()
    assert stored() == {("article", str(article.pk), "an article")}


def test_the_way_to_the_owner_is_watched(article: Article, bob: User) -> None:
    attachment = Attachment.objects.create(article=article, name="photo")
    settle()
    Article.objects.update(title="renamed")
    assert fanned_out() == set()
    Article.objects.update(author=bob)
    assert fanned_out() == {("attachment", "article", str(article.pk))}
    assert owed() == {("article", str(article.pk))}
    settle()
    assert ("attachment", str(attachment.pk), "photo") in stored()


def test_every_table_of_an_inheriting_model_is_watched(ann: User) -> None:
    car = Car.objects.create(user=ann, name="old")
    cart = Vehicle.objects.create(user=ann, name="cart")
    settle()
    assert stored() == {("car", str(car.pk), "old with 4 doors")}
    sql("UPDATE testapp_vehicle SET name = 'new'")
    assert owed() == {("car", str(car.pk))}, f"the vehicle {cart.pk} is no car"
    sql("UPDATE testapp_car SET doors = 2")
    settle()
    assert stored() == {("car", str(car.pk), "new with 2 doors")}
    LongNote.objects.create(author=ann, title="long")
    LongNote.objects.update(appendix="x", title="longer")
    settle()
    assert "longer" in {content for _, _, content in stored()}
    Car.objects.all().delete()
    assert owed() == {("car", str(car.pk))}


@contextmanager
def watched(model: type, **options: Any) -> Iterator[None]:
    """The model registered, with the triggers for it."""
    with registered(model, **options):
        install(using="default")
        yield
    install(using="default")


def test_paths_over_many_rows(article: Article, ann: User) -> None:
    """From an attachment to the comments and tags of its article, and back from a tag to the articles' comments."""
    attachment = Attachment.objects.create(article=article, name="photo")
    tag = Tag.objects.create(name="red")
    article.tags.add(tag)
    paths = {"article__comments": ("text",), "article__tags": ()}
    with watched(Attachment, entity_type="seen", owner="article__author", depends_on=paths):
        forget()
        comment = Comment.objects.create(article=article, text="nice")
        assert {row for row in fanned_out() if row[0] == "seen"} == {("seen", "article", str(article.pk))}
        forget()
        Tag.objects.update(name="blue")
        assert ("seen", "article__tags", str(tag.pk)) in fanned_out()
        settle()
        forget()
        sql("DELETE FROM testapp_article_tags")
        assert ("seen", "article", str(article.pk)) in fanned_out()
    with watched(Tag, entity_type="tag", owner="name", depends_on={"article__comments": ("text",)}):
        forget()
        Comment.objects.filter(pk=comment.pk).update(text="bad")
        assert ("tag", "article", str(article.pk)) in fanned_out()
        forget()
        article.tags.add(tag)
        assert ("tag", str(tag.pk)) in owed()
    assert attachment.pk


def test_foreign_keys_to_other_columns_unconstrained_ones_and_own_models_between() -> None:
    with badges() as (Sticker, Badge, Pin):
        depends_on = {"label": ("name",), "loose": ("name",), "labels": ("name",)}
        with (
            watched(Badge, entity_type="badge", owner="title", fields=(), depends_on=depends_on),
            watched(Sticker, entity_type="label", owner="name", fields=(), depends_on={"badge": ("title",)}),
        ):
            label = Sticker.objects.create(id=70, code="red", name="Red")
            assert {row for row in fanned_out() if row[1] == "loose"} == {("badge", "loose", "70")}, "it may be pointed to already"
            forget()
            badge = Badge.objects.create(title="a", label=label, loose_id=70)
            assert owed() == {("badge", str(badge.pk)), ("label", "70")}
            forget()
            Badge.objects.update(title="b")
            assert {("label", "70")} <= owed(), "found by its code"
            forget()
            pin = Pin.objects.create(badge=badge, label=label)
            assert owed() == {("badge", str(badge.pk))}
            forget()
            Sticker.objects.update(name="Rot")
            assert fanned_out() == {("badge", path, "70") for path in depends_on}
            pin.delete()
            sql("DELETE FROM testapp_badge")
            forget()
            sql("DELETE FROM testapp_sticker")
            assert fanned_out() == {("badge", "loose", "70")}


def test_any_type_of_column_is_compared_and_all_columns_if_none_are_named(ann: User) -> None:
    sql("ALTER TABLE testapp_document ADD COLUMN extra json, ADD COLUMN place point")
    try:
        document = Document.objects.create(user=ann, text="a")
        forget()
        sql("UPDATE testapp_document SET text = text, extra = extra")
        assert owed() == set()
        sql("UPDATE testapp_document SET extra = '{}'")
        assert owed() == {("document", str(document.pk))}
        forget()
        sql("UPDATE testapp_document SET extra = '{ }', place = '(1, 2)'")
        assert owed() == {("document", str(document.pk))}
        forget()
        sql("UPDATE testapp_document SET extra = NULL")
        assert owed() == {("document", str(document.pk))}
    finally:
        sql("ALTER TABLE testapp_document DROP COLUMN extra, DROP COLUMN place")
    Document.objects.update(text="b")
    assert owed() == {("document", str(document.pk))}, "a dropped column does not matter where all are compared"


def test_names_that_need_quoting(ann: User) -> None:
    class Odd(models.Model):
        select = models.TextField(db_column="se\"l'ect$embeddings$")

        class Meta:
            app_label = "testapp"
            db_table = 'An "odd" {table}; DROP'
            managed = False

    table, column = '"An ""odd"" {table}; DROP"', '"se""l\'ect$embeddings$"'
    try:
        sql(f"CREATE TABLE {table} (id bigint PRIMARY KEY, {column} text)")
        Odd._meta.db_table = table  # Django quotes no name that is quoted
        with watched(Odd, entity_type="it's {odd} $embeddings$", owner="select", fields=("select",)):
            sql(f"INSERT INTO {table} VALUES (1, 'a'), (2, 'b')")
            forget()
            sql(f"UPDATE {table} SET {column} = 'b'")
            assert owed() == {("it's {odd} $embeddings$", "1")}
    finally:
        sql(f"DROP TABLE IF EXISTS {table}")
        from django.apps import apps

        del apps.all_models["testapp"]["odd"]
        apps.clear_cache()
    assert {state.state for state in status(using="default")} == {"installed"}


# with signals too


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


# roles, races, migrations


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
