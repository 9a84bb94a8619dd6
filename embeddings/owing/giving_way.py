"""Owing work from a worker: never at the expense of a save."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import OperationalError, connections, transaction

from embeddings.owing.changes import PART, Entity
from embeddings.owing.dirty import owe, read_versions
from embeddings.parts import parts

T = TypeVar("T")

# A saver that waits for us looks for a deadlock after this time, and may fall victim to it: two statements of ours have given up by then.
GIVE_UP_EARLY = """
SELECT set_config(
    'statement_timeout', greatest(1, extract(epoch FROM current_setting('deadlock_timeout')::interval) * 400)::int::text, true
)
"""
GAVE_UP = {"57014", "55P03", "40P01"}
"""query_canceled, lock_not_available, deadlock_detected: of PostgreSQL's error codes, appendix A of its manual."""


def write_in_time(items: Sequence[T], write: Callable[[Sequence[T]], object], *, using: str) -> list[T]:
    """Calls `write`, which locks rows, in a transaction; where that takes so long that a saver may be waiting, with half as many.

    Returns those that took too long by themselves, and were not written. In a transaction of the caller's `write` is simply called.
    """
    if connections[using].in_atomic_block:
        write(items)
        return []
    try:
        with transaction.atomic(using=using):
            with connections[using].cursor() as cursor:
                cursor.execute(GIVE_UP_EARLY)
            write(items)
        return []
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in GAVE_UP:
            raise
    if len(items) == 1:
        return list(items)
    middle = len(items) // 2
    return write_in_time(items[:middle], write, using=using) + write_in_time(items[middle:], write, using=using)


def owe_politely(entities: Sequence[Entity], *, using: str) -> dict[Entity, int]:
    """As `owe`; raises OperationalError where a saver holds one of the rows."""
    versions: dict[Entity, int] = {}
    if held := write_in_time(entities, lambda part: versions.update(owe(part, using=using)), using=using):
        raise OperationalError(f"{len(held)} of {len(entities)} dirty rows are being written by others.")
    return versions


def owe_missing(entities: Sequence[Entity], *, using: str) -> None:
    """Owes those that are not pending, parked ones too: asking for them by hand is a retry."""
    for part in parts(entities, PART):
        pending = read_versions(part, using=using, parked=False)
        if missing := [entity for entity in part if entity not in pending]:
            owe_politely(missing, using=using)
