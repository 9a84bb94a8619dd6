"""What is written in bulk to related rows, and to one model under several classes."""

import pytest
from django.contrib.auth.models import User

from tests.embeddings.capture.conftest import badges, captured, fanned_out, forget, owed, registered
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Article, Attachment, Car, Comment, LongNote, Note, PinnedNote, Room, Shelf, Tag, Vehicle

pytestmark = pytest.mark.django_db(transaction=True)


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
