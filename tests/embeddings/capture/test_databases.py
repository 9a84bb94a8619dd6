"""A row's index lives in the row's own database, and so does what it owes."""

from contextlib import suppress

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings

from embeddings import search
from embeddings.models import DirtyEntity, Embedding, FanOut
from queues import Job, get_queue
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Article, Comment, Note, Shelf, Tag

pytestmark = pytest.mark.django_db(databases=["default", "other"], transaction=True)

BOTH = override_settings(EMBEDDINGS_DATABASES=("default", "other"))


@pytest.fixture
def eve() -> User:
    """Of the other database, with a key that the default one may have given to somebody else."""
    return User.objects.using("other").create(username="eve")


def waiting() -> list[Job]:
    return get_queue("embeddings").jobs("waiting")


def found(user: User, query: str, using: str) -> list[str]:
    return sorted(hit.content for hit in search(user, query, using=using))


@BOTH
def test_saves_by_every_way_of_naming_the_database_are_found_there(eve: User) -> None:
    Note.objects.using("other").create(author=eve, title="dark green")
    Note(author=eve, title="light green").save(using="other")
    Note.objects.db_manager("other").create(author=eve, title="pale green")
    read = Note.objects.using("other").get(title="pale green")
    read.title = "bright green"
    read.save()
    assert {job.data["database"] for job in waiting()} == {"other"} and len(waiting()) == 3
    assert (DirtyEntity.objects.count(), DirtyEntity.objects.using("other").count()) == (0, 3)
    work()
    assert (DirtyEntity.objects.using("other").count(), Embedding.objects.count()) == (0, 0)
    assert found(eve, "green", "other") == ["bright green", "dark green", "light green"]
    assert found(eve, "green", "default") == []
    assert search(eve, "bright green", using="other")[0].entity._state.db == "other"
    read.delete()
    work()
    assert found(eve, "green", "other") == ["dark green", "light green"]


@BOTH
def test_related_rows_are_expanded_in_their_own_database(eve: User, ann: User) -> None:
    shelf = Shelf.objects.using("other").create(name="old")
    Note.objects.using("other").create(author=eve, title="map", shelf=shelf)
    article = Article.objects.using("other").create(author=eve, title="bread")
    same_key = Note.objects.create(pk=Note.objects.using("other").get().pk, author=ann, title="map here")
    work()
    shelf.name = "new"
    shelf.save()
    Comment.objects.using("other").create(article=article, text="tasty")
    article.tags.add(Tag.objects.using("other").create(name="food"))
    assert (FanOut.objects.count(), FanOut.objects.using("other").count()) == (0, 3)
    work()
    assert set(Embedding.objects.using("other").values_list("content", flat=True)) == {"map on the shelf new", "bread food tasty"}
    assert stored() == {("note", str(same_key.pk), "map here")}
    assert FanOut.objects.using("other").count() == DirtyEntity.objects.using("other").count() == 0


@BOTH
def test_a_transaction_neither_holds_back_nor_leaks_into_that_of_another_database(ann: User, eve: User) -> None:
    with transaction.atomic():
        Note.objects.create(author=ann, title="here")
        with suppress(RuntimeError), transaction.atomic(using="other"):
            Note.objects.using("other").create(author=eve, title="dropped there")
            raise RuntimeError
        with transaction.atomic(using="other"):
            Note.objects.using("other").create(author=eve, title="there")
        assert [job.data["database"] for job in waiting()] == ["other"], "its own transaction is over"
    assert sorted(job.data["database"] for job in waiting()) == ["default", "other"]
    with suppress(RuntimeError), transaction.atomic():
        Note.objects.create(author=ann, title="dropped here")
        Note.objects.using("other").create(author=eve, title="stays")
        raise RuntimeError
    work()
    assert set(Embedding.objects.using("other").values_list("content", flat=True)) == {"there", "stays"}
    assert {content for _, _, content in stored()} == {"here"}


@BOTH
def test_entities_with_one_key_in_two_databases_are_two_jobs(ann: User, eve: User) -> None:
    with transaction.atomic(), transaction.atomic(using="other"):
        Note.objects.create(pk=7, author=ann, title="here")
        Note.objects.using("other").create(pk=7, author=eve, title="there")
    assert sorted(job.data["database"] for job in waiting()) == ["default", "other"]
    work()
    assert (found(ann, "here", "default"), found(eve, "there", "other")) == (["here"], ["there"])


def test_a_database_that_is_not_embedded_is_left_alone(eve: User) -> None:
    article = Article.objects.using("other").create(author=eve, title="bread")
    comment = Comment.objects.using("other").create(article=article, text="tasty")
    article.tags.create(name="food")
    comment.save()
    article.delete()
    assert waiting() == []
    assert DirtyEntity.objects.using("other").count() == FanOut.objects.using("other").count() == 0
