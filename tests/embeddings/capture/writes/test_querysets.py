"""Bulk writes through the mixin are captured in their transaction."""

import asyncio
import subprocess
import sys
import threading
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models, transaction
from django.db.models import Count, F, Value
from django.db.models.functions import Concat, RowNumber
from django.test import override_settings

from embeddings import EmbeddableQuerySet, EmbeddableQuerySetMixin, embeddings_disabled
from embeddings.models import DirtyEntity
from queues import get_queue
from tests.embeddings.capture.conftest import badges, captured, fanned_out, forget, owed, registered
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
    PinnedNote,
    Room,
    Shelf,
    Tag,
    Vehicle,
)

pytestmark = pytest.mark.django_db(transaction=True)


def jobs() -> list[Any]:
    return get_queue("embeddings").jobs("waiting")


@pytest.fixture
def note(ann: User) -> Note:
    note = Note.objects.create(author=ann, title="first", shelf=Shelf.objects.create(name="cooking"))
    work()
    return note


# inserts


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


# updates


def test_an_update_is_indexed(note: Note, bob: User) -> None:
    assert captured(Note).filter(title="first").update(title="second") == 1
    assert [job.data["user_id"] for job in jobs()] == [str(note.author_id)]
    work()
    assert stored() == {("note", str(note.pk), "second on the shelf cooking")}
    captured(Note).update(author=bob)
    assert owed() == {("note", str(note.pk))}


def test_an_update_of_what_does_not_matter_is_not_captured(note: Note, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        captured(Note).update(views=F("views") + 1)
    assert owed() == set()


def test_a_captured_update_costs_the_lock_and_one_statement(note: Note, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(5):  # BEGIN, the lock, UPDATE, the dirty rows, COMMIT
        captured(Note).update(title="second")


def test_uuid_and_string_keys_are_updated_too(ann: User) -> None:
    document = Document.objects.create(user=ann, text="old")
    Country.objects.create(code="HU", user=ann, name="Ungarn")
    captured(Document).update(text="new")
    captured(Country).update(name="Hungary")
    work()
    assert stored() == {("document", str(document.pk), "new"), ("country", "HU", "Hungary")}


@pytest.mark.parametrize("new", ["AT", Concat(Value("A"), F("name"))])
def test_a_changed_key_marks_the_old_and_the_new_one(ann: User, new: Any) -> None:
    Country.objects.create(code="HU", user=ann, name="T")
    work()
    captured(Country).update(code=new)
    assert owed() == {("country", "HU"), ("country", "AT")}
    work()
    assert stored() == {("country", "AT", "T")}


@pytest.mark.parametrize(
    "matched",
    [
        lambda rows: rows.filter(title__startswith="n").order_by("-title"),
        lambda rows: rows.filter(shelf__name="cooking", shelf__note__title="n1"),
        lambda rows: rows.annotate(others=Count("shelf__note")).filter(others__gt=1),
        lambda rows: rows.filter(pk__in=rows.annotate(row=models.Window(RowNumber(), order_by="title")).filter(row__lte=2).values("pk")),
        lambda rows: rows.filter(pk__in=rows.order_by("pk")[:2]),
        lambda rows: rows.distinct(),
        lambda rows: rows.values("title"),
        lambda rows: rows.select_related("shelf__room").exclude(shelf__room__name="kitchen"),
        lambda rows: rows.only("title").select_for_update(),
    ],
)
def test_whatever_the_conditions_the_same_rows_are_updated_and_marked(ann: User, matched: Any) -> None:
    shelf = Shelf.objects.create(name="cooking")
    Note.objects.bulk_create([Note(author=ann, title=f"n{number}", shelf=shelf) for number in range(3)])
    with transaction.atomic():
        expected = matched(Note.objects.all()).update(title="x")
        keys = set(Note.objects.filter(title="x").values_list("pk", flat=True))
        transaction.set_rollback(True)
    assert matched(captured(Note).all()).update(title="x") == expected > 0
    assert owed() == {("note", str(key)) for key in keys}
    assert set(Note.objects.filter(title="x").values_list("pk", flat=True)) == keys


def test_an_update_by_an_annotation_is_captured(note: Note) -> None:
    captured(Note).annotate(label=Concat("shelf__name", Value("!"))).filter(label="cooking!").update(body=F("title"))
    assert owed() == {("note", str(note.pk))}


def test_what_django_refuses_is_refused_as_before(note: Note) -> None:
    with pytest.raises(TypeError, match="slice"):
        captured(Note).all()[:1].update(title="x")
    with pytest.raises(FieldDoesNotExist, match="nonsense"):
        captured(Note).update(nonsense=1)
    assert captured(Note).none().update(title="x") == 0


def test_a_filter_that_no_longer_matches_afterwards_changes_nothing(note: Note) -> None:
    rows = captured(Note).filter(is_hidden=False)
    list(rows)
    assert rows.update(is_hidden=True) == 1
    assert list(rows) == [], "nothing is cached"
    work()
    assert stored() == set()


def test_bulk_update_respects_the_watched_fields(note: Note) -> None:
    note.title, note.views = "second", 5
    assert captured(Note).bulk_update([note], ["views"]) == 1
    assert owed() == set()
    assert captured(Note).bulk_update([note], ["title"]) == 1
    work()
    assert stored() == {("note", str(note.pk), "second on the shelf cooking")}


def test_a_rolled_back_update_marks_nothing(note: Note) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        captured(Note).update(title="second")
        raise RuntimeError
    assert (owed(), jobs()) == (set(), [])


def test_5000_rows_in_a_transaction_are_five_bulk_jobs(ann: User) -> None:
    with transaction.atomic():
        captured(Note).bulk_create([Note(author=ann, title=str(number)) for number in range(5000)])
        captured(Note).update(body="x")
    assert [job.name for job in jobs()] == ["bulk-embed"] * 5
    assert sum(len(job.data["entity_ids"]) for job in jobs()) == 5000 == DirtyEntity.objects.count()


# related rows


def test_an_updated_shelf_fans_out(note: Note) -> None:
    captured(Shelf).update(color="red")
    assert fanned_out() == set()
    captured(Shelf).update(name="kitchen")
    assert fanned_out() == {("note", "shelf", str(note.shelf_id))}
    work()
    assert stored() == {("note", str(note.pk), "first on the shelf kitchen")}


def test_every_row_on_the_way_counts(note: Note) -> None:
    room = Room.objects.create(name="cellar")
    captured(Shelf).update(room=room)
    work()
    assert stored() == {("note", str(note.pk), "first on the shelf cooking in the cellar")}
    captured(Room).update(name="attic")
    work()
    assert stored() == {("note", str(note.pk), "first on the shelf cooking in the attic")}


def test_comments_mark_their_article_old_and_new(ann: User) -> None:
    one, two = (Article.objects.create(author=ann, title=title) for title in ("one", "two"))
    captured(Comment).bulk_create([Comment(article=one, text="nice")])
    work()
    assert ("article", str(one.pk), "one nice") in stored()
    captured(Comment).update(article=two)
    assert owed() == {("article", str(one.pk)), ("article", str(two.pk))}
    work()
    captured(Comment).update(text="bad")
    work()
    assert stored() == {("article", str(one.pk), "one"), ("article", str(two.pk), "two bad")}
    captured(Comment).all()._raw_delete("default")
    work()
    assert stored() == {("article", str(one.pk), "one"), ("article", str(two.pk), "two")}


def test_an_upsert_that_moves_a_comment_marks_both_articles(ann: User) -> None:
    one, two = (Article.objects.create(author=ann, title=title) for title in ("one", "two"))
    comment = Comment.objects.create(article=one, text="nice")
    forget()
    moved = Comment(pk=comment.pk, article=two, text="nice")
    captured(Comment).bulk_create([moved], update_conflicts=True, update_fields=["article"], unique_fields=["pk"])
    assert owed() == {("article", str(one.pk)), ("article", str(two.pk))}


def test_tags_and_the_way_to_the_owner_fan_out(ann: User, bob: User) -> None:
    article = Article.objects.create(author=ann, title="one")
    article.tags.add(Tag.objects.create(name="red"))
    attachment = Attachment.objects.create(article=article, name="photo")
    work()
    captured(Tag).update(name="blue")
    captured(Article).update(author=bob)
    assert {path for _, path, _ in fanned_out()} == {"tags", "article"}
    work()
    assert stored() == {("article", str(article.pk), "one blue"), ("attachment", str(attachment.pk), "photo")}


def test_rows_of_ones_own_model_between_mark_both_of_the_entities_that_they_moved_between() -> None:
    with badges() as (Sticker, Badge, Pin), registered(Badge, entity_type="badge", owner="title", depends_on={"labels": ()}):
        label = Sticker.objects.create(code="red", name="Red")
        one, two = (Badge.objects.create(title=title) for title in ("one", "two"))
        captured(Pin).bulk_create([Pin(badge=one, label=label)])
        assert owed() == {("badge", str(one.pk))}
        captured(Pin).update(badge=two)
        assert owed() == {("badge", str(one.pk)), ("badge", str(two.pk))}
        forget()
        captured(Pin).all()._raw_delete("default")
        assert owed() == {("badge", str(two.pk))}


# inheritance


def test_proxies_children_and_parents_are_the_same_rows(ann: User) -> None:
    long = LongNote.objects.create(author=ann, title="long")
    car = Car.objects.create(user=ann, name="old")
    plain = Vehicle.objects.create(user=ann, name="cart")
    forget()
    captured(PinnedNote).update(title="pinned")
    assert owed() == {("note", str(long.pk))}
    forget()
    captured(LongNote).update(title="longer", appendix="x")
    assert owed() == {("note", str(long.pk))}
    forget()
    captured(Vehicle).update(name="new")
    assert owed() == {("car", str(car.pk))}, f"vehicle {plain.pk} is no car"
    forget()
    captured(Car).update(doors=2)
    assert owed() == {("car", str(car.pk))}


# deletions


def test_deletions_are_captured_fast_path_and_all(ann: User) -> None:
    notes = [Note.objects.create(author=ann, title=str(number)) for number in range(3)]
    forget()
    captured(Note).filter(title="0").delete()
    assert owed() == {("note", str(notes[0].pk))}, "Django collects, as there are receivers"
    captured(Note).filter(title="1")._raw_delete("default")
    assert owed() == {("note", str(note.pk)) for note in notes[:2]}
    assert list(Note.objects.all()) == [notes[2]]


# what is left alone


def test_the_mixin_is_silent_where_nobody_listens(note: Note, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        captured(User).update(first_name="Ann")
    with embeddings_disabled():
        captured(Note).update(title="second")
    with override_settings(EMBEDDINGS_SIGNALS=False):
        captured(Note).update(title="third")
        captured(Note).bulk_create([Note(title="fourth")])
        captured(Note).filter(title="fourth")._raw_delete("default")
    with override_settings(EMBEDDINGS_DATABASES=("other",)):
        captured(Note).update(title="fifth")
    assert owed() == set()


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
def test_another_database_keeps_its_own_account() -> None:
    with override_settings(EMBEDDINGS_DATABASES=("default", "other")):
        captured(Note).using("other").bulk_create([Note(title="a")])
        captured(Note).using("other").update(title="b")
        captured(Note).using("default").update(title="c")
    assert (DirtyEntity.objects.using("other").count(), owed()) == (1, set())


def test_get_or_create_and_update_or_create_save(ann: User) -> None:
    note, _ = captured(Note).get_or_create(title="a", defaults={"author": ann})
    assert owed() == {("note", str(note.pk))}
    work()
    captured(Note).update_or_create(title="a", defaults={"body": "b"})
    assert owed() == {("note", str(note.pk))}


def test_the_async_forms_are_captured(ann: User) -> None:
    async def write() -> None:
        await captured(Note).abulk_create([Note(author=ann, title="a")])
        await captured(Note).aupdate(title="b")
        note = await captured(Note).aget()
        note.title = "c"
        await captured(Note).abulk_update([note], ["title"])

    with transaction.atomic():
        asyncio.run(write())
    work()
    assert {content for _, _, content in stored()} == {"c"}


def test_the_names_can_be_imported_before_the_apps_are_ready() -> None:
    code = "from embeddings import EmbeddableManager, EmbeddableQuerySet, EmbeddableQuerySetMixin; EmbeddableQuerySet.as_manager()"
    subprocess.run([sys.executable, "-c", code], check=True, env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": ""})


def test_the_mixin_goes_before_any_queryset(note: Note) -> None:
    class Loud(models.QuerySet):  # type: ignore[type-arg]
        def update(self, **values: Any) -> int:
            return super().update(**{name: value.upper() for name, value in values.items()})

    class NoteQuerySet(EmbeddableQuerySetMixin, Loud):
        pass

    assert NoteQuerySet(Note).update(title="second") == 1
    work()
    assert {content for _, _, content in stored()} == {"SECOND on the shelf cooking"}
    assert issubclass(EmbeddableQuerySet, models.QuerySet)


# races


def test_overlapping_updates_in_different_orders_do_not_deadlock(ann: User) -> None:
    notes = captured(Note).bulk_create([Note(author=ann, title=str(number)) for number in range(200)])
    forget()
    errors: list[Exception] = []
    start = threading.Barrier(3)

    def update(index: int) -> None:
        order = ("pk", "-pk", "?")[index]
        try:
            start.wait()
            for number in range(10):
                if index == 1:
                    objs = [Note(pk=note.pk, title=f"{index} {number}") for note in reversed(notes)]
                    captured(Note).bulk_update(objs, ["title"], batch_size=50)
                else:
                    captured(Note).order_by(order).update(title=f"{index} {number}")
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=update, args=[index]) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(owed()) == 200


def test_a_row_that_begins_to_match_while_the_lock_is_waited_for_is_not_updated_unmarked(ann: User) -> None:
    one, two = (Note.objects.create(author=ann, title=title) for title in ("match", "other"))
    forget()
    held, done = threading.Event(), threading.Event()

    def rename() -> None:
        with transaction.atomic():
            Note.objects.filter(pk=one.pk).update(title="gone")
            Note.objects.filter(pk=two.pk).update(title="match")
            held.set()
            done.wait(2)
        connection.close()

    thread = threading.Thread(target=rename)
    thread.start()
    held.wait(5)
    threading.Timer(0.3, done.set).start()
    captured(Note).filter(title="match").update(body="updated")
    thread.join()
    updated = {("note", str(key)) for key in Note.objects.filter(body="updated").values_list("pk", flat=True)}
    assert updated <= owed()
