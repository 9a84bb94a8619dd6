"""Writes of every kind, and what they leave behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, models
from django.test.utils import isolate_apps

from embeddings import Embeddable, EmbeddableManager
from embeddings.indexing.fan_out import expand
from embeddings.models import DirtyEntity, FanOut
from embeddings.reconciling.sweep import sweep
from embeddings.registering.registry import registry
from queues import get_queue
from tests.embeddings.conftest import stored, work
from tests.testapp.models import Note, Shelf


@pytest.fixture
def note(ann: User) -> Note:
    """A note on a shelf, served."""
    note = Note.objects.create(author=ann, title="first", shelf=Shelf.objects.create(name="cooking"))
    settle()
    return note


def sql(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params or None)


def captured(model: type) -> Any:
    """The model's rows through a manager whose writes are captured."""
    manager = EmbeddableManager()
    manager.model = model
    return manager


def owed() -> set[tuple[str, str]]:
    """(type, id) of the dirty entities."""
    return set(DirtyEntity.objects.values_list("entity_type", "entity_id"))


def jobs() -> list[Any]:
    return get_queue("embeddings").jobs("waiting")


def contents(entity_type: str) -> set[str]:
    """What is stored of this type once the workers are done; nothing is left owed."""
    work()
    assert (FanOut.objects.count(), DirtyEntity.objects.count()) == (0, 0)
    return {content for kind, _, content in stored() if kind == entity_type}


def fanned_out() -> set[tuple[str, str, str]]:
    return set(FanOut.objects.values_list("entity_type", "path", "related_id"))


def settle() -> None:
    """What the next minute brings: rows that no job was sent for are swept at once, a worker serves them."""
    for row in FanOut.objects.all():
        expand(row.entity_type, row.path, row.related_id, using="default")
    while sweep(age=timedelta(minutes=2)):
        work()
    work()


def forget() -> None:
    """As if all were served."""
    DirtyEntity.objects.all().delete()
    FanOut.objects.all().delete()


@contextmanager
def registered(model: type, **options: Any) -> Iterator[None]:
    """The model with an embeddable of the test's own, connected to no signals."""
    embeddable = type("Temporary", (Embeddable,), {"content": lambda self, obj: str(obj), **options})(model)
    registry._by_type[embeddable.entity_type] = embeddable
    try:
        yield
    finally:
        registry.unregister(embeddable.entity_type)


@contextmanager
def badges() -> Iterator[tuple[Any, Any, Any]]:
    """Stickers by code, badges that name them in every odd way, and a model of its own between the two."""
    with isolate_apps("tests.testapp"):

        class Sticker(models.Model):
            code = models.CharField(max_length=10, unique=True)
            name = models.CharField(max_length=10)

            class Meta:
                app_label = "testapp"

        class Badge(models.Model):
            title = models.CharField(max_length=10)
            label = models.ForeignKey(Sticker, models.CASCADE, to_field="code", null=True)
            loose = models.ForeignKey(Sticker, models.DO_NOTHING, db_constraint=False, null=True, related_name="+")
            labels = models.ManyToManyField(Sticker, through="testapp.Pin", related_name="pinned")

            class Meta:
                app_label = "testapp"

        class Pin(models.Model):
            badge = models.ForeignKey(Badge, models.CASCADE)
            label = models.ForeignKey(Sticker, models.CASCADE)

            class Meta:
                app_label = "testapp"

        tables = [Sticker, Badge, Pin]
        with connection.schema_editor() as editor:
            for table in tables:
                editor.create_model(table)
        try:
            yield Sticker, Badge, Pin
        finally:
            with connection.schema_editor() as editor:
                for table in reversed(tables):
                    editor.delete_model(table)
