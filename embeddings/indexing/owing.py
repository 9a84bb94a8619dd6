"""Owing work from a worker: never at the expense of a save."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections, transaction

from embeddings.capture.changes import PART, Entity, owe
from embeddings.models import DirtyEntity
from embeddings.parts import parts

PATIENCE_MILLISECONDS = 200
"""Less than PostgreSQL's deadlock_timeout (1 s): of a worker and a saver that wait for each other the worker gives way."""


def owe_politely(entities: Sequence[Entity], *, using: str) -> dict[Entity, int]:
    """As `owe`; raises OperationalError where a saver holds one of the rows for longer."""
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_MILLISECONDS}ms"])
        return owe(entities, using=using)


def owe_missing(entities: Sequence[Entity], *, using: str) -> None:
    """Owes those that are not pending, parked ones too: asking for them by hand is a retry."""
    for part in parts(entities, PART):
        pending = read_versions(part, using=using, parked=False)
        if missing := [entity for entity in part if entity not in pending]:
            owe_politely(missing, using=using)


def read_versions(entities: Sequence[Entity], *, using: str, parked: bool = True) -> dict[Entity, int]:
    """The versions of those that are owed work, in the order of `entities`."""
    rows = DirtyEntity.objects.using(using) if parked else DirtyEntity.objects.using(using).pending()
    rows = rows.filter(entity_type__in={entity[0] for entity in entities}, entity_id__in=[entity[1] for entity in entities])
    found = {
        (entity_type, entity_id): version for entity_type, entity_id, version in rows.values_list("entity_type", "entity_id", "version")
    }
    return {entity: found[entity] for entity in entities if entity in found}
