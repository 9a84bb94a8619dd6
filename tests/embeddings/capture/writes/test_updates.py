"""Updates through the mixin are captured in their transaction."""

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist
from django.db import connection, models, transaction
from django.db.models import Count, F, Value
from django.db.models.functions import Concat, RowNumber

from embeddings.models import DirtyEntity
from tests.embeddings.capture.conftest import captured, forget, jobs, owed
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Country, Document, Note, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


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
