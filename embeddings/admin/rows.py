"""The counts that look at every row: made in time, or not at all, so that no page waits for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connections, transaction
from django.db.models import Count
from psycopg.errors import QueryCanceled

from embeddings.models import EmbeddingState
from embeddings.reconciling.source import source_of
from embeddings.registering.registry import registry

TIMEOUT_MILLISECONDS = 2000
"""A million rows take less than one second."""

Key = tuple[str, int, str]
"""Entity type, model, status."""


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """By entity type, the rows of its queryset, those included that need no embedding; and the last results."""

    rows: dict[str, int] = field(default_factory=dict)
    states: dict[Key, int] = field(default_factory=dict)


def count_rows(using: str) -> RowCounts | None:
    """One statement each for all entity types. None where they take too long."""
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [TIMEOUT_MILLISECONDS])
            counts = RowCounts(rows=_rows(using), states=_states(using))
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")  # for a transaction that was open before
            return counts
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            return None
        raise


def _rows(using: str) -> dict[str, int]:
    sources = {embeddable.entity_type: source_of(embeddable, using) for embeddable in registry}
    if not sources:
        return {}
    statement = " UNION ALL ".join(f"SELECT %s, count(*) FROM ({source.sql}) AS rows" for source in sources.values())  # noqa: S608
    parameters: list[Any] = [value for name, source in sources.items() for value in (name, *source.params)]
    with connections[using].cursor() as cursor:
        cursor.execute(statement, parameters)
        return dict(cursor.fetchall())


def _states(using: str) -> dict[Key, int]:
    states = EmbeddingState.objects.using(using).values_list("entity_type", "model_id", "status")
    return {(entity_type, model, status): number for entity_type, model, status, number in states.annotate(number=Count("*")).order_by()}
