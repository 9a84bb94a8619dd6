"""How many rows there are to embed: one statement for all entity types, that gives up rather than keep a page waiting."""

from __future__ import annotations

from typing import Any

from django.db import OperationalError, connections, transaction

from embeddings.capture.registry import registry
from embeddings.reconciling.source import source_of

TIMEOUT_MILLISECONDS = 2000


def count_rows(using: str) -> dict[str, int] | None:
    """By entity type, the rows of its queryset, those included that need no embedding. None where that takes too long."""
    sources = {embeddable.entity_type: source_of(embeddable, using) for embeddable in registry}
    if not sources:
        return {}
    statement = " UNION ALL ".join(f"SELECT %s, count(*) FROM ({source.sql}) AS rows" for source in sources.values())  # noqa: S608
    parameters: list[Any] = [value for name, source in sources.items() for value in (name, *source.params)]
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = %s", [TIMEOUT_MILLISECONDS])
            cursor.execute(statement, parameters)
            found = dict(cursor.fetchall())
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")  # for a transaction that was open before
            return found
    except OperationalError:  # it was cut off; the transaction that may be open around it goes on
        return None
