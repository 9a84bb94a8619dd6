"""Any mix of writes without signals, through the mixin or under triggers: afterwards the index is what the rows say."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings

from embeddings.capture.triggers.installation import install, remove
from embeddings.models import DirtyEntity, Embedding
from embeddings.registering.registry import registry
from tests.embeddings.capture.conftest import captured, settle
from tests.testapp.models import Article, Attachment, Comment, Note, Room, Shelf, Tag

pytestmark = pytest.mark.django_db(transaction=True)

WRITES = 120


@contextmanager
def triggers_alone() -> Iterator[Callable[[type], Any]]:
    """Django's own managers, which capture nothing."""
    install(using="default")
    try:
        with override_settings(EMBEDDINGS_SIGNALS=False):
            yield lambda model: model._base_manager  # type: ignore[attr-defined]
    finally:
        remove(using="default")


@contextmanager
def the_mixin_alone() -> Iterator[Callable[[type], Any]]:
    yield captured


@pytest.mark.parametrize("way", [triggers_alone, the_mixin_alone])
@pytest.mark.parametrize("seed", range(2))
def test_whatever_was_written_the_index_is_right(ann: User, bob: User, way: Any, seed: int) -> None:
    dice = random.Random(seed)
    with way() as rows:
        for _ in range(WRITES):
            with transaction.atomic():
                dice.choice(KINDS)(rows, dice, [ann, bob])
                if dice.random() < 0.1:
                    transaction.set_rollback(True)
            if dice.random() < 0.03:
                settle()
        settle()
    assert stored() == expected()
    assert DirtyEntity.objects.count() == 0


def stored() -> set[tuple[str, str, int, str]]:
    return set(Embedding.objects.values_list("entity_type", "entity_id", "user_id", "content"))


def expected() -> set[tuple[str, str, int, str]]:
    found = set()
    for embeddable in registry:
        for row in embeddable.queryset():
            if embeddable.should_embed(row) and embeddable.owner_id(row) is not None:
                found.add((embeddable.entity_type, str(row.pk), embeddable.owner_id(row), embeddable.content(row)))
    return found


def some(rows: Any, dice: random.Random) -> Any:
    """A queryset of a few rows, maybe of none."""
    keys = list(rows.values_list("pk", flat=True))
    return rows.filter(pk__in=dice.sample(keys, min(len(keys), dice.randint(1, 3))))


def one(model: type, dice: random.Random) -> Any:
    found = list(model._base_manager.all())  # type: ignore[attr-defined]
    return dice.choice(found) if found else None


def word(dice: random.Random) -> str:
    return dice.choice(["ape", "bee", "cat", "dog", "emu", "fox"])


def insert(rows: Any, dice: random.Random, users: list[User]) -> None:
    rows(Room).bulk_create([Room(name=word(dice))])
    rows(Shelf).bulk_create([Shelf(name=word(dice), room=one(Room, dice))])
    rows(Note).bulk_create([Note(author=dice.choice(users), title=word(dice), shelf=one(Shelf, dice)) for _ in range(2)])
    rows(Article).bulk_create([Article(author=dice.choice(users), title=word(dice))])
    rows(Comment).bulk_create([Comment(article=one(Article, dice), text=word(dice)) for _ in range(2)])
    rows(Attachment).bulk_create([Attachment(article=one(Article, dice), name=word(dice))])
    rows(Tag).bulk_create([Tag(name=word(dice))])


def rename(rows: Any, dice: random.Random, users: list[User]) -> None:
    model, name = dice.choice([(Note, "title"), (Article, "title"), (Attachment, "name"), (Comment, "text"), (Tag, "name")])
    some(rows(model), dice).update(**{name: word(dice)})


def rename_related(rows: Any, dice: random.Random, users: list[User]) -> None:
    some(rows(dice.choice([Shelf, Room])), dice).update(name=word(dice))


def move(rows: Any, dice: random.Random, users: list[User]) -> None:
    model, name, target = dice.choice(
        [(Note, "shelf", Shelf), (Shelf, "room", Room), (Comment, "article", Article), (Attachment, "article", Article)]
    )
    if (found := one(target, dice)) is not None:
        some(rows(model), dice).update(**{name: found})


def transfer(rows: Any, dice: random.Random, users: list[User]) -> None:
    some(rows(dice.choice([Note, Article])), dice).update(author=dice.choice(users))


def hide(rows: Any, dice: random.Random, users: list[User]) -> None:
    some(rows(Note), dice).update(is_hidden=dice.random() < 0.5)


def upsert(rows: Any, dice: random.Random, users: list[User]) -> None:
    article = one(Article, dice)
    if article is not None and (comment := one(Comment, dice)) is not None:
        comment.article, comment.text = article, word(dice)
        rows(Comment).bulk_create([comment], update_conflicts=True, update_fields=["article", "text"], unique_fields=["pk"])


def bulk_update(rows: Any, dice: random.Random, users: list[User]) -> None:
    notes = list(some(rows(Note), dice))
    for note in notes:
        note.title, note.shelf = word(dice), one(Shelf, dice)
    rows(Note).bulk_update(notes, ["title", "shelf"])


def delete(rows: Any, dice: random.Random, users: list[User]) -> None:
    some(rows(dice.choice([Note, Comment, Attachment])), dice)._raw_delete("default")


def delete_related(rows: Any, dice: random.Random, users: list[User]) -> None:
    some(rows(dice.choice([Shelf, Room])), dice).delete()


KINDS = [insert, insert, rename, rename_related, move, move, move, move, transfer, hide, upsert, bulk_update, delete, delete_related]
