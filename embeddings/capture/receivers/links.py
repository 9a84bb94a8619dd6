"""Rows that hold the link themselves: those of a reverse foreign key, and of a many-to-many relation's table.

Created, moved or deleted, they change what they link to, before and after.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from embeddings.capture.disabled import is_captured
from embeddings.capture.receivers.atomic import save_atomically
from embeddings.capture.receivers.family import family
from embeddings.owing.fan_outs import fan_out_unlocked
from embeddings.registering.hops import Hop


def connect(hop: Hop, model: type[Model], uid: str) -> None:
    """Connects the model whose foreign key `hop.link` leads to the hop's origin."""
    save_atomically(model)
    for sender in family(model):
        pre_save.connect(partial(_saving, hop), sender=sender, weak=False, dispatch_uid=uid)
        post_save.connect(partial(_saved, hop), sender=sender, weak=False, dispatch_uid=uid)
        pre_delete.connect(partial(_deleted, hop), sender=sender, weak=False, dispatch_uid=uid)


def connect_many_to_many(hop: Hop, uid: str) -> None:
    """Connects the relation's table; one with a model of its own has rows that are saved by themselves too, and matter whole."""
    through: Any = hop.through
    m2m_changed.connect(partial(_members_changed, hop), sender=through, weak=False, dispatch_uid=uid)
    if not through._meta.auto_created:
        connect(replace(hop, fields=frozenset()), through, f"{uid}.through")


def _saving(hop: Hop, *, instance: Model, raw: bool, using: str, update_fields: frozenset[str] | None, **_: Any) -> None:
    """What it linked to and will not any more. The row is locked, as its save is about to do, so that nobody moves it in between."""
    link = hop.link
    is_kept = link.attname in instance.get_deferred_fields() or (
        update_fields is not None and update_fields.isdisjoint({link.name, link.attname})
    )
    if raw or is_kept or not is_captured(using):
        return
    rows = _linked(link, instance, using)
    if not link.target_field.primary_key:  # a join, and the other row is not to be locked
        _mark(hop, rows, using)
        return
    with transaction.atomic(using=using, savepoint=False):
        before = rows.select_for_update(no_key=True)
        _mark(hop, [key for key in before if key != getattr(instance, link.attname)], using)


def _saved(hop: Hop, *, instance: Model, raw: bool, using: str, update_fields: frozenset[str] | None, **_: Any) -> None:
    if not raw and is_captured(using) and hop.matters(update_fields):
        _mark(hop, _linked(hop.link, instance, using), using)


def _deleted(hop: Hop, *, instance: Model, using: str, **_: Any) -> None:
    if is_captured(using):
        _mark(hop, _linked(hop.link, instance, using), using)


def _members_changed(hop: Hop, *, instance: Model, action: str, reverse: bool, pk_set: set[Any] | None, using: str, **_: Any) -> None:
    if action not in ("post_add", "post_remove", "pre_clear") or not is_captured(using) or not (pk_set or action == "pre_clear"):
        return
    is_symmetrical = getattr(hop.relation.remote_field, "symmetrical", False)
    is_source = reverse == hop.relation.auto_created
    keys: set[Any] = {instance.pk} if is_source or is_symmetrical else set()
    if not is_source or is_symmetrical:
        others: Iterable[Any] = hop.leading_to(instance.pk, using) if pk_set is None else pk_set
        keys.update(others)
    _mark(hop, keys, using)


def _mark(hop: Hop, keys: Iterable[Any], using: str) -> None:
    """What these rows of the origin are, or is led to by them, has changed."""
    fan_out_unlocked(hop.embeddable, hop.prefix, keys, using=using)


def _linked(link: Any, row: Model, using: str) -> QuerySet[Any]:
    """Keys of what the row links to as the database has it: one, or none."""
    model = link.model
    key = getattr(row, model._meta.pk.attname)
    rows = model._base_manager.using(using).filter(pk=key, **{f"{link.name}__isnull": False})
    return rows.values_list(f"{link.name}__pk", flat=True)  # type: ignore[no-any-return]
