"""Receivers of related rows' signals: what an entity's content names beside its own row makes it stale.

Each owes fan-out rows and nothing more; a worker marks the entities.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_save, pre_delete, pre_save

from embeddings.capture.disabled import is_captured
from embeddings.capture.receivers import links
from embeddings.capture.receivers.atomic import save_atomically
from embeddings.capture.receivers.family import family
from embeddings.owing.fan_outs import fan_out, fan_out_unlocked
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.hops import Hop, hops_of


def connect(embeddable: Embeddable) -> None:
    """Connects the models of the embeddable's dependencies."""
    for hop in hops_of(embeddable):
        _connect(hop, f"embeddings.{embeddable.entity_type}.{hop.path}")


def _connect(hop: Hop, uid: str) -> None:
    save_atomically(hop.target)
    senders = family(hop.target)
    if hop.is_to_parent:  # saves and deletes of the whole object are captured as such
        own = family(hop.origin)
        for sender in (sender for sender in senders if sender not in own):
            post_save.connect(partial(_saved, hop), sender=sender, weak=False, dispatch_uid=uid)
    elif hop.is_reverse:
        links.connect(hop, hop.target, uid)
    else:
        for sender in senders:
            post_save.connect(partial(_saved, hop), sender=sender, weak=False, dispatch_uid=uid)
            pre_delete.connect(partial(_unlinking, hop), sender=sender, weak=False, dispatch_uid=uid)
            if hop.is_generic:
                pre_save.connect(partial(_unlinking, hop), sender=sender, weak=False, dispatch_uid=uid)
        if hop.through:
            links.connect_many_to_many(hop, uid)


def _saved(
    hop: Hop,
    *,
    instance: Model,
    created: bool,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    **_: Any,
) -> None:
    """Nothing leads to a new row yet, unless by its own doing."""
    if raw or not is_captured(using) or not hop.matters(update_fields) or (created and not hop.relation.one_to_many):
        return
    fan_out(hop.embeddable, hop.path, [_key_of(hop, instance)], using=using)


def _unlinking(hop: Hop, *, instance: Model, using: str, raw: bool = False, **_: Any) -> None:
    """Before it is deleted, or maybe names another row, while they still lead there: SET_NULL updates them without a signal."""
    if not raw and is_captured(using):
        fan_out_unlocked(hop.embeddable, hop.prefix, hop.leading_to(_key_of(hop, instance), using), using=using)


def _key_of(hop: Hop, row: Model) -> Any:
    """The target's key; an object of a child model has another of its own."""
    return getattr(row, hop.target._meta.pk.attname)
