"""Receivers of related rows' signals: what an entity's content names beside its own row makes it stale.

Each owes fan-out rows and nothing more; a worker marks the entities.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_save, pre_delete, pre_save

from embeddings.capture import links
from embeddings.capture.atomic import save_atomically
from embeddings.capture.dependency import Dependency
from embeddings.capture.disabled import is_captured
from embeddings.capture.embeddable import Embeddable
from embeddings.capture.family import family
from embeddings.capture.fan_outs import enqueue_fan_outs, fan_out

__all__ = ["connect", "enqueue_fan_outs", "fan_out"]


def connect(embeddable: Embeddable) -> None:
    """Connects the models of the embeddable's dependencies."""
    for path, fields in embeddable.dependencies.items():
        dependency = Dependency(embeddable=embeddable, path=path, fields=fields)
        if dependency.related is not None:
            _connect(dependency)


def _connect(dependency: Dependency) -> None:
    uid = f"embeddings.{dependency.embeddable.entity_type}.{dependency.path}"
    save_atomically(dependency.related)
    senders = family(dependency.related)
    if dependency.is_parent_link:  # saves and deletes of the whole object are captured as such
        own = family(dependency.source)
        for sender in (sender for sender in senders if sender not in own):
            post_save.connect(partial(_saved, dependency), sender=sender, weak=False, dispatch_uid=uid)
    elif dependency.link is not None:
        links.connect(dependency, dependency.related, dependency.link, uid)
    else:
        for sender in senders:
            post_save.connect(partial(_saved, dependency), sender=sender, weak=False, dispatch_uid=uid)
            pre_delete.connect(partial(_deleted, dependency), sender=sender, weak=False, dispatch_uid=uid)
        if dependency.hop.many_to_many:
            links.connect_many_to_many(dependency, uid)
    if dependency.hop.one_to_many and dependency.link is None:  # generic
        for sender in senders:
            pre_save.connect(partial(_moving, dependency), sender=sender, weak=False, dispatch_uid=uid)


def _saved(
    dependency: Dependency,
    *,
    instance: Model,
    created: bool,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    **_: Any,
) -> None:
    """Nothing leads to a new row yet, unless by its own doing."""
    if raw or not is_captured(using) or not dependency.matters(update_fields) or (created and not dependency.hop.one_to_many):
        return
    dependency.mark(dependency.key_of(instance), using)


def _moving(dependency: Dependency, *, instance: Model, raw: bool, using: str, **_: Any) -> None:
    if not raw and is_captured(using):
        dependency.mark_sources(dependency.leading_to(dependency.key_of(instance), using), using)


def _deleted(dependency: Dependency, *, instance: Model, using: str, **_: Any) -> None:
    """Before the deletion, while they still lead there: SET_NULL updates them without a signal."""
    if is_captured(using):
        dependency.mark_sources(dependency.leading_to(dependency.key_of(instance), using), using)
