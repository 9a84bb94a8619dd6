"""A save and what it owes are one commit, whichever class saves."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_save

from embeddings.capture.receivers.atomic import save_atomically
from embeddings.models import DirtyEntity, FanOut
from tests.testapp.models import Article, Comment, LongNote, Note, PinnedNote, Shelf, SportsCar, Tag, Vehicle

pytestmark = pytest.mark.django_db(transaction=True)

SAVES: dict[type[Model], Callable[[User], Model]] = {
    Note: lambda ann: Note.objects.create(author=ann, title="x"),
    PinnedNote: lambda ann: PinnedNote.objects.create(author=ann, title="x"),
    LongNote: lambda ann: LongNote.objects.create(author=ann, title="x"),
    SportsCar: lambda ann: SportsCar.objects.create(user=ann, name="x"),
    Shelf: lambda ann: Shelf.objects.create(name="x"),
    Vehicle: lambda ann: Vehicle.objects.create(user=ann, name="x"),
    Tag: lambda ann: Tag.objects.create(name="x"),
    Comment: lambda ann: Comment.objects.create(article=Article.objects.create(author=ann, title="x"), text="x"),
}


@pytest.mark.parametrize("model", SAVES, ids=lambda model: model.__name__)
def test_a_crash_after_the_save_leaves_neither_the_row_nor_what_it_owes(ann: User, model: type[Model]) -> None:
    def crash(**_: object) -> None:
        assert connection.in_atomic_block
        raise RuntimeError("the process dies right after the save")

    post_save.connect(crash, sender=model)
    try:
        with pytest.raises(RuntimeError, match="right after"):
            SAVES[model](ann)
    finally:
        post_save.disconnect(crash, sender=model)
    assert (model._base_manager.count(), FanOut.objects.count()) == (0, 0)
    assert DirtyEntity.objects.exclude(entity_type="article").count() == 0


def test_wrapping_twice_or_by_inheritance_wraps_once() -> None:
    before: Any = Note.save_base
    for model in (Note, PinnedNote, LongNote):
        save_atomically(model)
        assert model.save_base is before
