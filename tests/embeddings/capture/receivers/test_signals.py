"""Every kind of change of an entity's own row is captured."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.core.management import call_command
from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone

from embeddings import search
from embeddings.models import DirtyEntity, Embedding, EmbeddingState, FanOut
from queues import get_queue
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Album, Article, Attachment, Car, Country, Document, LongNote, Note, PinnedNote, Song, SportsCar, Vehicle

pytestmark = pytest.mark.django_db(transaction=True)


def contents() -> set[str]:
    """What is stored once the workers are done; nothing is left owed."""
    work()
    assert (FanOut.objects.count(), DirtyEntity.objects.count()) == (0, 0)
    return {content for _, _, content in stored()}


MAKERS: list[Callable[[User], Any]] = [
    lambda ann: Note.objects.create(author=ann, title="x"),
    lambda ann: Document.objects.create(user=ann, text="x"),
    lambda ann: Country.objects.create(user=ann, code="x", name="x"),
    lambda ann: Album.objects.create(user=ann, title="x"),
    lambda ann: Car.objects.create(user=ann, name="x"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_keys_of_every_kind_are_made_saved_and_deleted(ann: User, make: Callable[[User], Any]) -> None:
    obj = make(ann)
    work()
    assert list(Embedding.objects.values_list("entity_id", flat=True)) == [str(obj.pk)]
    (hit,) = search(ann, "x", min_similarity=-1)
    assert hit.entity == obj
    obj.save()
    assert [row.entity_id for row in DirtyEntity.objects.all()] == [str(obj.pk)]
    obj.delete()
    assert contents() == set()
    assert [state.status for state in EmbeddingState.objects.all()] == ["removed"]


def test_a_queryset_that_deletes_is_captured(ann: User) -> None:
    for title in ("one", "two", "three"):
        Note.objects.create(author=ann, title=title)
    work()
    Note.objects.exclude(title="one").delete()
    assert {row.entity_type for row in DirtyEntity.objects.all()} == {"note"} and DirtyEntity.objects.count() == 2
    assert contents() == {"one"}


def test_what_a_cascade_deletes_is_captured(ann: User) -> None:
    article = Article.objects.create(author=ann, title="bread")
    Attachment.objects.create(article=article, name="photo")
    assert contents() == {"bread", "photo"}
    article.delete()
    assert contents() == set()


@pytest.mark.parametrize("update_fields", [None, ["deleted_at"]])
def test_a_soft_delete_removes_and_a_restore_brings_back(ann: User, update_fields: list[str] | None) -> None:
    article = Article.objects.create(author=ann, title="bread")
    work()
    article.deleted_at = timezone.now()
    article.save(update_fields=update_fields)
    assert contents() == set()
    article.deleted_at = None
    article.save(update_fields=update_fields)
    assert contents() == {"bread"}


@pytest.mark.parametrize("update_fields", [None, ["author"], ["author_id"]])
def test_an_owner_changes_goes_and_comes_back(ann: User, bob: User, update_fields: list[str] | None) -> None:
    note = Note.objects.create(author=ann, title="mine")
    for owner in (bob, None, ann):
        note.author = owner
        note.save(update_fields=update_fields)
        assert contents() == ({"mine"} if owner else set())
        assert list(Embedding.objects.values_list("user_id", flat=True)) == ([owner.pk] if owner else [])


def test_a_changed_key_is_a_second_row_until_the_first_is_deleted(ann: User) -> None:
    country = Country.objects.create(code="HU", user=ann, name="Hungary")
    work()
    country.code = "H"
    country.save()
    work()
    assert {(key, content) for _, key, content in stored()} == {("HU", "Hungary"), ("H", "Hungary")}
    Country.objects.get(code="HU").delete()
    work()
    assert {(key, content) for _, key, content in stored()} == {("H", "Hungary")}


def test_a_key_changed_without_signals_is_found_by_a_sync(ann: User) -> None:
    Country.objects.create(code="HU", user=ann, name="Hungary")
    work()
    Country.objects.filter(code="HU").update(code="H")
    assert search(ann, "Hungary") == []
    call_command("embeddings_sync", verbosity=0)
    work()
    assert {(key, content) for _, key, content in stored()} == {("H", "Hungary")}


def test_a_fixture_is_not_captured_but_found_by_a_sync(ann: User) -> None:
    data = serializers.serialize("json", [Note(pk=5, author=ann, title="raw"), Article(pk=6, author=ann, title="raw too")])
    for item in serializers.deserialize("json", data):
        item.save()
    assert (Note.objects.count(), DirtyEntity.objects.count(), FanOut.objects.count()) == (1, 0, 0)
    call_command("embeddings_sync", verbosity=0)
    assert contents() == {"raw", "raw too"}


def test_a_child_of_a_registered_child_and_its_parents_rows(ann: User) -> None:
    car = SportsCar.objects.create(user=ann, name="red")
    assert contents() == {"red with 4 doors"}
    car.doors = 2
    car.save(update_fields=["doors"])
    assert contents() == {"red with 2 doors"}
    plain = Car.objects.get(pk=car.pk)
    plain.name = "green"
    plain.save()
    assert contents() == {"green with 2 doors"}
    vehicle = Vehicle.objects.get(pk=car.pk)
    vehicle.name = "blue"
    vehicle.save(update_fields=["name"])
    assert contents() == {"blue with 2 doors"}
    vehicle.delete()
    assert contents() == set()


def test_a_parents_row_that_is_no_car_has_no_embedding(ann: User) -> None:
    vehicle = Vehicle.objects.create(user=ann, name="a bicycle")
    vehicle.save()
    assert contents() == set()
    assert EmbeddingState.objects.count() == 0


def test_a_proxy_and_a_child_are_the_registered_model(ann: User) -> None:
    pinned, long = PinnedNote.objects.create(author=ann, title="pinned"), LongNote.objects.create(author=ann, title="long")
    work()
    for model, key in ((Note, pinned.pk), (PinnedNote, long.pk), (LongNote, long.pk)):
        obj = model.objects.get(pk=key)
        obj.title += "!"
        obj.save()
    assert contents() == {"pinned!", "long!!"}
    Note.objects.get(pk=long.pk).delete()
    assert contents() == {"pinned!"}


@pytest.mark.parametrize(
    "change",
    [
        lambda ann, note: Note.objects.update_or_create(pk=note.pk, defaults={"title": "new"}),
        lambda ann, note: _saved(Note.objects.only("title").get(pk=note.pk)),
        lambda ann, note: _saved(Note.objects.defer("body", "author").get(pk=note.pk)),
        lambda ann, note: _saved(Note(pk=note.pk, author=ann)),
        lambda ann, note: _saved(Note(pk=note.pk, author=ann), force_update=True),
    ],
)
def test_saves_of_objects_that_were_read_in_part_or_not_at_all(ann: User, change: Callable[[User, Note], object]) -> None:
    note = Note.objects.create(author=ann, title="old")
    work()
    change(ann, note)
    assert contents() == {"new"}


def _saved(note: Note, **options: bool) -> None:
    note.title = "new"
    note.save(**options)  # type: ignore[arg-type]


def test_get_or_create_and_force_insert_are_captured(ann: User) -> None:
    Note.objects.get_or_create(author=ann, title="got")
    Note(pk=77, author=ann, title="forced").save(force_insert=True)
    assert contents() == {"got", "forced"}
    Note.objects.get_or_create(author=ann, title="got")
    assert work() == 0


def test_a_row_locked_for_its_update_is_captured(ann: User) -> None:
    key = Note.objects.create(author=ann, title="old").pk
    with transaction.atomic():
        note = Note.objects.select_for_update().get(pk=key)
        note.title = "new"
        note.save()
    assert contents() == {"new"}


def test_a_save_within_a_receiver_of_another_is_captured_in_the_same_call(ann: User) -> None:
    def write_note(instance: Article, **_: object) -> None:
        Note.objects.create(author=instance.author, title=f"on {instance.title}")

    post_save.connect(write_note, sender=Article)
    try:
        Article.objects.create(author=ann, title="bread")
    finally:
        post_save.disconnect(write_note, sender=Article)
    assert {job.data["entity_type"] for job in get_queue("embeddings").jobs("waiting")} == {"note", "article"}
    assert contents() == {"bread", "on bread"}


def test_a_song_follows_its_album_out_and_back(ann: User, bob: User) -> None:
    albums = [Album.objects.create(user=user, title=user.username) for user in (ann, bob)]
    song = Song.objects.create(code="S 1/ö", album=albums[0])
    for album in (albums[1], albums[0]):
        song.album = album
        song.save(update_fields=["album"])
        work()
        assert Embedding.objects.get(entity_type="song").user_id == album.user_id
