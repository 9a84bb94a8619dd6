"""Embedding again what is there."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from embeddings import NotRegistered, embeddings_disabled, reindex
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState
from embeddings.owing.enqueueing import BULK_PRIORITY
from embeddings.providers.fake import FakeProvider
from queues import get_queue
from tests.embeddings.conftest import stored, vector_rows, work
from tests.testapp.models import Country, Document, Note, Room, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


def quietly(*rows: Any) -> None:
    with embeddings_disabled():
        for row in rows:
            row.save()


def dirty() -> set[tuple[str, str]]:
    return set(DirtyEntity.objects.values_list("entity_type", "entity_id"))


def test_a_queryset_a_type_or_everything_is_reindexed(ann: User) -> None:
    one, two = Note(author=ann, title="one"), Note(author=ann, title="two")
    country, document = Country(code="HU", user=ann, name="Hungary"), Document(user=ann, text="a contract")
    quietly(one, two, country, document)
    assert reindex(Note.objects.filter(title="two")) == 1
    assert dirty() == {("note", str(two.pk))}
    assert reindex("country") == 1
    assert dirty() == {("note", str(two.pk)), ("country", "HU")}
    assert reindex() == 4
    work()
    assert {content for _, _, content in stored()} == {"one", "two", "Hungary", "a contract"}


def test_what_is_unchanged_costs_no_call_unless_forced(ann: User, provider: FakeProvider) -> None:
    Note.objects.create(author=ann, title="same")
    work()
    before = vector_rows()
    assert reindex("note") == 1
    work()
    assert (provider.texts, vector_rows()) == (["same"], before)
    assert reindex("note", force=True) == 1
    work()
    assert provider.texts == ["same", "same"]
    assert DirtyEntity.objects.count() == 0


def test_force_and_its_work_owed_are_one_transaction(ann: User) -> None:
    Note.objects.create(author=ann, title="same")
    work()
    before = EmbeddingState.objects.get().content_hash

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if "UPDATE" in sql and "SET content_hash" in sql:
            raise RuntimeError("the process dies here")
        return execute(sql, *rest)

    with pytest.raises(RuntimeError), connection.execute_wrapper(refuse):
        reindex("note", force=True)
    assert (dirty(), EmbeddingState.objects.get().content_hash) == (set(), before)


def test_a_large_table_is_reindexed_in_parts_of_bounded_size_each_committed_alone(ann: User) -> None:
    Note.objects.bulk_create([Note(author=ann, title=f"note {number}") for number in range(2500)])
    EmbeddingModel.objects.active()
    with CaptureQueriesContext(connection) as captured:
        assert reindex("note") == 2500
    keys = [query["sql"] for query in captured if "LIMIT 1000" in query["sql"]]
    assert len(keys) == 3
    assert sum(query["sql"] == "COMMIT" for query in captured) == 3
    jobs = list(get_queue("embeddings").jobs("waiting"))
    assert [(job.name, len(job.data["entity_ids"])) for job in jobs] == [("bulk-embed", 1000), ("bulk-embed", 1000), ("bulk-embed", 500)]


def test_its_jobs_come_after_a_users_save(ann: User, bob: User) -> None:
    quietly(*[Note(author=ann, title=f"note {number}") for number in range(3)])
    reindex("note")
    Note.objects.create(author=bob, title="just saved")
    first, second = get_queue("embeddings").jobs("waiting")
    assert (first.name, first.priority, second.name, second.priority) == ("generate-embedding", 0, "bulk-embed", BULK_PRIORITY)


@pytest.mark.parametrize(
    "narrow",
    [
        lambda rows: rows.order_by("-title")[:2],
        lambda rows: rows.filter(title__in=["b", "c"]),
        lambda rows: rows.filter(title="b") | rows.filter(title="c"),
        lambda rows: rows.filter(title="b").union(rows.filter(title="c")),
        lambda rows: rows.exclude(title="a").distinct(),
        lambda rows: rows.exclude(title="a").only("title").order_by("title"),
    ],
)
def test_any_queryset_will_do(ann: User, narrow: Any) -> None:
    quietly(*[Note(author=ann, title=title) for title in "abc"])
    assert reindex(narrow(Note.objects.all())) == 2
    assert dirty() == {("note", str(pk)) for pk in Note.objects.exclude(title="a").values_list("pk", flat=True)}


def test_a_row_that_a_join_gives_twice_counts_once(ann: User) -> None:
    from tests.testapp.models import Article, Comment

    article = Article.objects.create(author=ann, title="a")
    Comment.objects.bulk_create([Comment(article=article, text="good"), Comment(article=article, text="good too")])
    assert reindex(Article.objects.filter(comments__text__startswith="good")) == 1


def test_an_empty_queryset_an_unknown_type_and_a_model_that_is_not_embedded() -> None:
    assert reindex(Note.objects.none()) == 0
    with pytest.raises(NotRegistered, match="ship"):
        reindex("ship")
    with pytest.raises(NotRegistered, match=r"testapp\.Room"):
        reindex(Room.objects.all())
    assert Shelf.objects.count() == 0


@pytest.mark.django_db(transaction=True, databases=["default", "other"])
@override_settings(EMBEDDINGS_DATABASES=("default", "other"))
def test_everything_means_every_database_and_using_one_of_them(ann: User) -> None:
    eve = User.objects.db_manager("other").create_user("eve")
    with embeddings_disabled():
        Note.objects.create(author=ann, title="here")
        Note.objects.using("other").create(author_id=eve.pk, title="there")
    assert reindex("note") == 2
    assert reindex(Note.objects.using("other")) == reindex(Note.objects.all(), using="other") == reindex("note", using="other") == 1
    assert DirtyEntity.objects.using("other").count() == DirtyEntity.objects.count() == 1
