"""Writes of every kind, and what they leave behind."""

from datetime import timedelta
from typing import Any

from embeddings import EmbeddableManager
from embeddings.indexing.fan_out import expand
from embeddings.indexing.sweep import sweep
from embeddings.models import DirtyEntity, FanOut
from tests.embeddings.conftest import work


def captured(model: type) -> Any:
    """The model's rows through a manager whose writes are captured."""
    manager = EmbeddableManager()
    manager.model = model
    return manager


def owed() -> set[tuple[str, str]]:
    """(type, id) of the dirty entities."""
    return set(DirtyEntity.objects.values_list("entity_type", "entity_id"))


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
