"""What a statement changes in related rows marks, or fans out to, those whose content names them."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User

from embeddings.models import FanOut
from tests.embeddings.capture.conftest import badges, fanned_out, forget, owed, settle, sql
from tests.embeddings.capture.triggers.conftest import watched
from tests.embeddings.conftest import stored
from tests.testapp.models import Article, Attachment, Car, Comment, LongNote, Note, Room, Shelf, Tag, Vehicle

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


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


def test_a_fan_out_that_was_parked_is_owed_since_the_new_change(note: Note) -> None:
    Shelf.objects.update(name="baking")
    FanOut.objects.update(parked_reason="it died", dirtied_at=LONG_AGO)
    Shelf.objects.update(name="brewing")
    row = FanOut.objects.get()
    assert (row.parked_reason, row.dirtied_at > LONG_AGO) == ("", True)


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
