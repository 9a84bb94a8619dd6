"""What an entity's content names by many-to-many relations makes it stale, from either side."""

import pytest
from django.contrib.auth.models import User

from tests.embeddings.capture.conftest import contents
from tests.embeddings.conftest import work
from tests.testapp.models import Album, Article, Artist, Membership, Tag

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda article, tag: article.tags.add(tag), "bread new"),
        (lambda article, tag: tag.article_set.add(article), "bread new"),
        (lambda article, tag: article.tags.set([tag]), "bread new"),
        (lambda article, tag: tag.article_set.set([article]), "bread new"),
        (lambda article, tag: article.tags.create(name="made"), "bread made"),
    ],
)
def test_a_tag_that_is_added_from_either_side(ann: User, change, expected: str) -> None:  # type: ignore[no-untyped-def]
    article, other = (Article.objects.create(author=ann, title=title) for title in ("bread", "soup"))
    tag = Tag.objects.create(name="new")
    work()
    change(article, tag)
    assert contents("article") == {expected, "soup"}
    assert other.tags.count() == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda article, tag: article.tags.remove(tag),
        lambda article, tag: tag.article_set.remove(article),
        lambda article, tag: article.tags.clear(),
        lambda article, tag: tag.article_set.clear(),
        lambda article, tag: article.tags.set([]),
        lambda article, tag: tag.article_set.set([]),
        lambda article, tag: tag.delete(),
        lambda article, tag: Tag.objects.filter(pk=tag.pk).delete(),
    ],
)
def test_a_tag_that_goes_from_either_side(ann: User, change) -> None:  # type: ignore[no-untyped-def]
    article = Article.objects.create(author=ann, title="bread")
    tag = Tag.objects.create(name="old")
    article.tags.add(tag)
    assert contents("article") == {"bread old"}
    change(article, tag)
    assert contents("article") == {"bread"}


def test_a_renamed_tag_makes_its_articles_stale_and_a_tag_added_again_none(ann: User) -> None:
    article = Article.objects.create(author=ann, title="bread")
    tag = Tag.objects.create(name="old")
    article.tags.add(tag)
    work()
    article.tags.add(tag)
    assert work() == 0
    tag.name = "new"
    tag.save()
    assert contents("article") == {"bread new"}
    article.delete()
    assert contents("article") == set()


def test_rows_of_a_relation_with_a_model_of_its_own(ann: User) -> None:
    first, second = (Album.objects.create(user=ann, title=title) for title in ("one", "two"))
    artist = Artist.objects.create(name="Nina")
    member = Membership.objects.create(album=first, artist=artist, role="piano")
    assert contents("album") == {"one Nina: piano", "two"}
    member.role = "voice"
    member.save(update_fields=["role"])
    assert contents("album") == {"one Nina: voice", "two"}
    member.album = second
    member.save()
    assert contents("album") == {"one", "two Nina: voice"}
    first.artists.add(artist, through_defaults={"role": "guest"})
    assert contents("album") == {"one Nina: guest", "two Nina: voice"}
    member.delete()
    assert contents("album") == {"one Nina: guest", "two"}
    artist.delete()
    assert contents("album") == {"one", "two"}


def test_a_symmetrical_relation_makes_both_sides_stale(ann: User) -> None:
    first, second = (Album.objects.create(user=ann, title=title) for title in ("one", "two"))
    first.similar.add(second)
    assert contents("album") == {"one like two", "two like one"}
    second.title = "zwei"
    second.save()
    assert contents("album") == {"one like zwei", "zwei like one"}
    second.similar.clear()
    assert contents("album") == {"one", "zwei"}
