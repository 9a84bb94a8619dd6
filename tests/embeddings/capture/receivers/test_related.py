"""What an entity's content names beside its own row makes it stale: by foreign keys, forwards and back."""

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from embeddings.models import Embedding, EmbeddingState, FanOut
from queues import get_queue
from tests.embeddings.capture.conftest import contents
from tests.embeddings.conftest import stored, work
from tests.testapp.models import (
    Album,
    Article,
    Artist,
    Attachment,
    Booklet,
    Comment,
    Cover,
    Garage,
    Label,
    Membership,
    Note,
    Remark,
    Room,
    Shelf,
    Song,
    SportsCar,
    Tag,
    Truck,
    Vehicle,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_row_two_foreign_keys_away(ann: User) -> None:
    room = Room.objects.create(name="attic")
    shelf = Shelf.objects.create(name="old", room=room)
    Note.objects.create(author=ann, title="map", shelf=shelf)
    work()
    room.name = "cellar"
    room.save()
    assert contents("note") == {"map on the shelf old in the cellar"}
    shelf.room = None
    shelf.save(update_fields=["room"])
    assert contents("note") == {"map on the shelf old"}, "a row on the way that leads elsewhere"
    shelf.room_id = room.pk
    shelf.save(update_fields=["room_id"])
    assert contents("note") == {"map on the shelf old in the cellar"}
    room.delete()
    assert contents("note") == {"map on the shelf old"}


def test_a_comment_makes_its_article_stale_when_it_is_made_saved_and_deleted(ann: User) -> None:
    article = Article.objects.create(author=ann, title="bread")
    comment = Comment.objects.create(article=article, text="tasty")
    assert contents("article") == {"bread tasty"}
    comment.text = "dry"
    comment.save(update_fields=["text"])
    assert contents("article") == {"bread dry"}
    comment.delete()
    assert contents("article") == {"bread"}


@pytest.mark.parametrize("update_fields", [None, ["article"], ["article_id"]])
def test_a_comment_that_moves_makes_both_articles_stale(ann: User, update_fields: list[str] | None) -> None:
    bread, soup = (Article.objects.create(author=ann, title=title) for title in ("bread", "soup"))
    comment = Comment.objects.create(article=bread, text="tasty")
    work()
    comment.article = soup
    comment.save(update_fields=update_fields)
    assert contents("article") == {"bread", "soup tasty"}


def test_a_comment_that_moves_without_having_been_read_makes_both_articles_stale(ann: User) -> None:
    bread, soup = (Article.objects.create(author=ann, title=title) for title in ("bread", "soup"))
    comment = Comment.objects.create(article=bread, text="tasty")
    work()
    Comment(pk=comment.pk, article=soup, text="tasty").save()
    assert contents("article") == {"bread", "soup tasty"}


def test_a_comment_deleted_with_another_article_in_memory_makes_the_one_it_was_in_stale(ann: User) -> None:
    bread, soup = (Article.objects.create(author=ann, title=title) for title in ("bread", "soup"))
    comment = Comment.objects.create(article=bread, text="tasty")
    work()
    comment.article = soup
    comment.delete()
    assert contents("article") == {"bread", "soup"}


def test_a_comment_that_stays_owes_one_row_for_its_article(ann: User) -> None:
    bread = Article.objects.create(author=ann, title="bread")
    comment = Comment.objects.create(article=bread, text="tasty")
    work()
    comment.save()
    assert [(row.path, row.related_id) for row in FanOut.objects.all()] == [("", str(bread.pk))]


def test_one_to_one_both_ways(ann: User) -> None:
    cover = Cover.objects.create(motif="a boat")
    first = Album.objects.create(user=ann, title="one", cover=cover)
    second = Album.objects.create(user=ann, title="two")
    booklet = Booklet.objects.create(album=first, text="with notes")
    assert contents("album") == {"one a boat with notes", "two"}
    cover.motif = "a bird"
    cover.save()
    booklet.album = second
    booklet.save()
    assert contents("album") == {"one a bird", "two with notes"}
    booklet.album = None
    booklet.save()
    cover.delete()
    assert contents("album") == {"one", "two"}


def test_a_foreign_key_to_another_field_than_the_key(ann: User) -> None:
    label = Label.objects.create(code="BN", name="Blue Note")
    Album.objects.create(user=ann, title="one", label=label)
    assert contents("album") == {"one Blue Note"}
    label.name = "Red Note"
    label.save()
    assert contents("album") == {"one Red Note"}
    label.delete()
    assert contents("album") == {"one"}


def test_a_path_that_goes_back_and_on(ann: User) -> None:
    first, second = (Album.objects.create(user=ann, title=title) for title in ("one", "two"))
    writer, other = Artist.objects.create(name="Cole"), Artist.objects.create(name="Duke")
    song = Song.objects.create(code="S1", album=first, writer=writer)
    assert contents("album") == {"one by Cole", "two"}
    writer.name = "Porter"
    writer.save(update_fields=["name"])
    assert contents("album") == {"one by Porter", "two"}
    song.writer = other
    song.save()
    assert contents("album") == {"one by Duke", "two"}
    song.album = second
    song.save()
    assert contents("album") == {"one", "two by Duke"}
    other.delete()
    assert contents("album") == {"one", "two"}


def test_rows_that_name_theirs_by_type_and_key(ann: User) -> None:
    first, second = Garage.objects.create(user=ann), Garage.objects.create(user=ann)
    remark = Remark.objects.create(about=first, text="dry")
    assert contents_by_key() == {first.pk: "a garage for nothing dry", second.pk: "a garage for nothing"}
    remark.text = "wet"
    remark.save(update_fields=["text"])
    assert contents_by_key()[first.pk] == "a garage for nothing wet"
    remark.about = second
    remark.save()
    assert contents_by_key() == {first.pk: "a garage for nothing", second.pk: "a garage for nothing wet"}
    remark.delete()
    assert contents_by_key()[second.pk] == "a garage for nothing"
    before = set(EmbeddingState.objects.values_list("entity_id", "version"))
    Remark.objects.create(about=Room.objects.create(name="of the same key", pk=first.pk), text="elsewhere")
    assert FanOut.objects.count() == 1, "for the remark alone"
    contents("garage")
    assert set(EmbeddingState.objects.values_list("entity_id", "version")) == before, "about something else"


def contents_by_key() -> dict[int, str]:
    contents("garage")
    return {int(key): content for kind, key, content in stored() if kind == "garage"}


def test_an_owner_at_the_end_of_a_path_changes_for_all_that_lead_there(ann: User, bob: User) -> None:
    article = Article.objects.create(author=ann, title="bread")
    Attachment.objects.create(article=article, name="photo")
    album = Album.objects.create(user=ann, title="one")
    Song.objects.create(code="S1", album=album)
    work()
    article.author = album.user = bob
    article.save(update_fields=["author_id"])
    album.save()
    work()
    assert set(Embedding.objects.values_list("entity_type", "user_id")) == {
        (kind, bob.pk) for kind in ("article", "attachment", "album", "song")
    }


def test_fields_that_do_not_matter_owe_nothing(ann: User) -> None:
    shelf = Shelf.objects.create(name="old")
    Note.objects.create(author=ann, title="map", shelf=shelf)
    artist = Artist.objects.create(name="Nina")
    Membership.objects.create(album=Album.objects.create(user=ann, title="one"), artist=artist, role="piano")
    article = Article.objects.create(author=ann, title="bread")
    Attachment.objects.create(article=article, name="photo")
    work()
    shelf.save(update_fields=["color"])
    artist.save(update_fields=["born"])
    assert FanOut.objects.count() == 0
    article.save(update_fields=["title"])
    assert FanOut.objects.count() == 0, "only the article's author is on the way to an attachment's owner"


def test_a_new_row_that_others_may_lead_to_owes_nothing() -> None:
    Shelf.objects.create(name="new")
    Artist.objects.create(name="Nina")
    Tag.objects.create(name="new")
    assert FanOut.objects.count() == 0


def test_a_related_row_saved_under_its_parents_class(ann: User) -> None:
    car = SportsCar.objects.create(user=ann, name="red one", horsepower=400)
    Garage.objects.create(user=ann, car=car)
    assert contents("garage") == {"a garage for red one"}
    vehicle = Vehicle.objects.get(pk=car.pk)
    vehicle.name = "blue one"
    vehicle.save()
    assert contents("garage") == {"a garage for blue one"}
    car.name = "green one"
    car.save()
    assert contents("garage") == {"a garage for green one"}
    Truck.objects.create(user=ann, name="big")
    assert contents("car") == {"green one with 4 doors"}
    vehicle.delete()
    assert contents("garage") == {"a garage for nothing"}


def test_many_comments_of_one_article_in_a_transaction_owe_one_row_and_one_job(ann: User) -> None:
    article = Article.objects.create(author=ann, title="bread")
    work()
    with transaction.atomic():
        for number in range(20):
            Comment.objects.create(article=article, text=f"number {number}")
    assert FanOut.objects.count() == 1
    assert [job.name for job in get_queue("embeddings").jobs("waiting")] == ["expand-fan-out"]
    assert work() == 2
