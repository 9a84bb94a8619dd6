"""Receivers: they mark dirty and enqueue, nothing more. Connected for registered models only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from django.apps import apps
from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_delete

from embeddings.capture import related
from embeddings.capture.atomic import save_atomically
from embeddings.capture.changes import change_of, record
from embeddings.capture.registry import Embeddable, Registry

_disabled: ContextVar[bool] = ContextVar("embeddings_disabled", default=False)


@contextmanager
def embeddings_disabled() -> Iterator[None]:
    """Within it no change is captured: for imports that end with `embeddings_sync`."""
    token = _disabled.set(True)
    try:
        yield
    finally:
        _disabled.reset(token)


def connect(registry: Registry) -> None:
    for embeddable in registry:
        connect_embeddable(embeddable)


def connect_embeddable(embeddable: Embeddable) -> None:
    """Connects the model itself and those of its `depends_on`; connecting twice changes nothing."""
    uid = f"embeddings.{embeddable.entity_type}"
    save_atomically(embeddable.model)
    for sender in family(embeddable.model):
        post_save.connect(partial(_saved, embeddable), sender=sender, weak=False, dispatch_uid=uid)
        post_delete.connect(partial(_deleted, embeddable), sender=sender, weak=False, dispatch_uid=uid)
    for name, fields in embeddable.depends_on.items():
        other: Any = embeddable.model._meta.get_field(name).related_model
        save_atomically(other)
        for sender in family(other):
            saved = partial(_related_saved, embeddable, name, frozenset(fields))
            post_save.connect(saved, sender=sender, weak=False, dispatch_uid=f"{uid}.{name}")
            pre_delete.connect(partial(_related_deleted, embeddable, name), sender=sender, weak=False, dispatch_uid=f"{uid}.{name}")


def family(model: type[Model]) -> list[type[Model]]:
    """The model, its proxies and its children: a save of any of them is a save of it, and is announced under its own class only."""
    return [candidate for candidate in apps.get_models() if issubclass(candidate, model)]


def _saved(
    embeddable: Embeddable, *, instance: Model, created: bool, raw: bool, using: str, update_fields: frozenset[str] | None, **_: Any
) -> None:
    if raw or _disabled.get() or not embeddable.is_touched_by(update_fields):
        return
    record([change_of(embeddable, instance, "create" if created else "update")], using=using)


def _deleted(embeddable: Embeddable, *, instance: Model, using: str, **_: Any) -> None:
    if not _disabled.get():
        record([change_of(embeddable, instance, "delete")], using=using)


def _related_saved(
    embeddable: Embeddable,
    name: str,
    fields: frozenset[str],
    *,
    instance: Model,
    created: bool,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    **_: Any,
) -> None:
    if raw or created or _disabled.get() or (fields and update_fields is not None and fields.isdisjoint(update_fields)):
        return
    related.mark_dependants(embeddable, name, instance, using=using)


def _related_deleted(embeddable: Embeddable, name: str, *, instance: Model, using: str, **_: Any) -> None:
    """Before the deletion, while the dependants still point there: SET_NULL updates them without a signal."""
    if not _disabled.get():
        related.mark_dependants(embeddable, name, instance, using=using)
