"""Rows whose content names another row: when that one changes, they are stale."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import connections, transaction
from django.db.models import Model
from django.db.models.signals import post_save, pre_delete

from embeddings.capture.atomic import save_atomically
from embeddings.capture.changes import record_rows
from embeddings.capture.disabled import is_captured
from embeddings.capture.embeddable import Embeddable
from embeddings.capture.paths import fields_on
from embeddings.names import EMBEDDINGS, EXPAND_FAN_OUT
from queues import add_jobs

UPSERT = """
INSERT INTO embeddings_fanout AS fan_out
    (entity_type, path, related_id, position, version, dirtied_at, enqueued_at, parked_reason)
VALUES (%s, %s, %s, '', nextval('embeddings_version_seq'), now(), now(), '')
ON CONFLICT (entity_type, path, related_id) DO UPDATE SET
    position = '', version = nextval('embeddings_version_seq'), enqueued_at = excluded.enqueued_at, parked_reason = '', parked_at = NULL
"""


def connect(embeddable: Embeddable) -> None:
    """Connects the models of the embeddable's dependencies."""
    from embeddings.capture.signals import family

    for path, fields in embeddable.dependencies.items():
        try:
            other = fields_on(embeddable.model, path)[-1].related_model
        except FieldDoesNotExist:
            continue  # embeddings.E002 says so
        uid = f"embeddings.{embeddable.entity_type}.{path}"
        save_atomically(other)
        for sender in family(other):
            post_save.connect(partial(_saved, embeddable, path, fields), sender=sender, weak=False, dispatch_uid=uid)
            pre_delete.connect(partial(_deleted, embeddable, path), sender=sender, weak=False, dispatch_uid=uid)


def fan_out(embeddable: Embeddable, path: str, related_id: Any, *, using: str) -> None:
    """Owes the marking of every entity that leads to the row by `path`: one row in the saver's transaction, whatever their number."""
    fan_out_all(embeddable, path, [related_id], using=using)


def fan_out_all(embeddable: Embeddable, path: str, related_ids: Iterable[Any], *, using: str) -> None:
    """`fan_out` of many rows, in the order of their keys, so that no two transactions wait for each other's."""
    keys = [(embeddable.entity_type, path, related_id) for related_id in sorted({str(related_id) for related_id in related_ids})]
    with transaction.atomic(using=using, savepoint=False):
        with connections[using].cursor() as cursor:
            cursor.executemany(UPSERT, keys)
        enqueue_fan_outs(keys, using=using)


def enqueue_fan_outs(keys: Iterable[tuple[str, str, str]], *, using: str) -> None:
    """Adds one job per fan-out row (entity type, path, related id) unless one waits."""
    payloads = [{"entity_type": entity_type, "path": path, "related_id": key, "database": using} for entity_type, path, key in keys]
    add_jobs(EMBEDDINGS, [(EXPAND_FAN_OUT, payload) for payload in payloads], dedupe=_dedupe_key, using=using)


def _dedupe_key(payload: Any) -> str:
    return ":".join(map(str, payload.values()))


def _saved(
    embeddable: Embeddable,
    path: str,
    fields: frozenset[str],
    *,
    instance: Model,
    created: bool,
    raw: bool,
    using: str,
    update_fields: frozenset[str] | None,
    **_: Any,
) -> None:
    if raw or created or not is_captured(using) or (fields and update_fields is not None and fields.isdisjoint(update_fields)):
        return
    fan_out(embeddable, path, instance.pk, using=using)


def _deleted(embeddable: Embeddable, path: str, *, instance: Model, using: str, **_: Any) -> None:
    """Before the deletion, while the dependants still point there: SET_NULL updates them without a signal."""
    if is_captured(using):
        record_rows(embeddable, embeddable.model._base_manager.using(using).filter(**{path: instance.pk}))
