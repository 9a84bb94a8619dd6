"""Receivers of the embedded models' own signals: they mark dirty and enqueue, nothing more. Connected for registered models only."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from embeddings.capture.disabled import is_captured
from embeddings.capture.receivers import related
from embeddings.capture.receivers.atomic import save_atomically
from embeddings.capture.receivers.family import family
from embeddings.owing.changes import change_of
from embeddings.owing.dirty import record
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import Registry


def connect(registry: Registry) -> None:
    for embeddable in registry:
        connect_embeddable(embeddable)


def connect_embeddable(embeddable: Embeddable) -> None:
    """Connects the model itself and those of its dependencies; connecting twice changes nothing."""
    uid = f"embeddings.{embeddable.entity_type}"
    save_atomically(embeddable.model)
    for sender in family(embeddable.model):
        post_save.connect(partial(_saved, embeddable), sender=sender, weak=False, dispatch_uid=uid)
        post_delete.connect(partial(_deleted, embeddable), sender=sender, weak=False, dispatch_uid=uid)
    related.connect(embeddable)


def _saved(
    embeddable: Embeddable, *, instance: Model, created: bool, raw: bool, using: str, update_fields: frozenset[str] | None, **_: Any
) -> None:
    if raw or not is_captured(using) or not embeddable.is_touched_by(update_fields):
        return
    record([change_of(embeddable, instance, "create" if created else "update")], using=using)


def _deleted(embeddable: Embeddable, *, instance: Model, using: str, **_: Any) -> None:
    if is_captured(using):
        record([change_of(embeddable, instance, "delete")], using=using)
