"""Nobody waits for anybody because of what is captured: two savers never deadlock who would not without it."""

import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from embeddings.indexing.fan_out import expand
from embeddings.models import DirtyEntity
from tests.embeddings.conftest import stored, work
from tests.processes import wait_until
from tests.testapp.models import Article, Attachment, Comment, Note, Shelf, Tag

pytestmark = pytest.mark.django_db(transaction=True)

Touch = Callable[[Article], object]


def run(*functions: Callable[[], object]) -> list[Exception]:
    """Runs them at once, each on a connection of its own. Returns what they raised."""
    errors: list[Exception] = []

    def guarded(function: Callable[[], object]) -> None:
        try:
            function()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=[function]) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return errors


def waiting() -> int:
    """How many connections wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return int(cursor.fetchone()[0])


def save(article: Article) -> None:
    article.title += "!"
    article.save()


def comment(article: Article) -> None:
    Comment.objects.create(article=article, text="tasty")


def delete_comment(article: Article) -> None:
    article.comments.first().delete()


def move_comment(article: Article) -> None:
    moved = article.comments.first()
    moved.article = Article.objects.exclude(pk=article.pk).first()
    moved.save()


def tag(article: Article) -> None:
    article.tags.add(Tag.objects.create(name="new"))


def clear(article: Article) -> None:
    article.tags.clear()


def attach(article: Article) -> None:
    Attachment.objects.create(article=article, name="photo")


@pytest.mark.parametrize(
    ("one", "other"),
    [(comment, comment), (comment, save), (delete_comment, comment), (move_comment, save), (tag, tag), (tag, clear), (attach, save)],
)
def test_two_savers_who_touch_the_same_entities_in_opposite_orders(ann: User, one: Touch, other: Touch) -> None:
    articles = [Article.objects.create(author=ann, title=title) for title in ("bread", "soup")]
    for article in articles:
        comment(article)
        tag(article)
    work()
    both_have_begun = threading.Barrier(2, timeout=20)

    def saver(touch: Touch, first: Article, second: Article) -> None:
        with transaction.atomic():
            touch(Article.objects.get(pk=first.pk))
            both_have_begun.wait()
            touch(Article.objects.get(pk=second.pk))

    assert run(lambda: saver(one, *articles), lambda: saver(other, *reversed(articles))) == []
    work()
    expected = {embeddable_content(article) for article in Article.objects.all()}
    assert {content for kind, _, content in stored() if kind == "article"} == expected


def embeddable_content(article: Article) -> str:
    from tests.testapp.embeddables import ArticleEmbeddable

    return ArticleEmbeddable(Article).content(article)


def test_a_saver_is_never_the_victim_of_an_expansion(ann: User) -> None:
    """The worker holds the first note's dirty row and waits, the saver holds the last one's and wants the first: PostgreSQL would
    break this at whoever has waited for a second, and the saver waited first."""
    shelf = Shelf.objects.create(name="old")
    notes = [Note.objects.create(pk=100 + number, author=ann, title=f"note {number}", shelf=shelf) for number in range(3)]
    work()
    shelf.name = "new"
    shelf.save()
    held, release, saver_is_done = threading.Barrier(3, timeout=20), threading.Event(), threading.Event()

    def hold_the_middle() -> None:
        with transaction.atomic():
            notes[1].save()
            held.wait()
            release.wait(20)

    def save_last_then_first() -> None:
        with transaction.atomic():
            notes[2].save()
            held.wait()
            wait_until(lambda: waiting() >= 1)  # the worker, for the middle one
            notes[0].save()
        saver_is_done.set()

    def work_through() -> None:
        held.wait()
        assert expand("note", "shelf", str(shelf.pk), using="default") == 3

    def let_go() -> None:
        wait_until(lambda: waiting() >= 2 or saver_is_done.is_set())
        release.set()

    assert run(hold_the_middle, save_last_then_first, work_through, let_go) == []
    assert DirtyEntity.objects.count() == 3
    work()
    assert {content for _, _, content in stored()} == {f"note {number} on the shelf new" for number in range(3)}
    assert DirtyEntity.objects.count() == 0


def test_the_time_limit_of_an_expansion_ends_with_it(ann: User) -> None:
    shelf = Shelf.objects.create(name="old")
    for number in range(3):
        Note.objects.create(author=ann, title=str(number), shelf=shelf)
    shelf.save()

    def limit() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            return str(cursor.fetchone()[0])

    before = limit()
    with transaction.atomic():
        assert expand("note", "shelf", str(shelf.pk), using="default") == 3
        assert limit() == before
    assert limit() == before
