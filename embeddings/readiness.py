"""Whether the databases can hold and search vectors."""

from __future__ import annotations

from django.db import connections

from embeddings.conf import settings
from queues.api.readiness import NotReady

LOOK = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector'), to_regclass('embeddings_embedding') IS NOT NULL"


def check_pgvector() -> None:
    """Raises NotReady, DatabaseError."""
    for alias in settings.databases:
        with connections[alias].cursor() as cursor:
            cursor.execute(LOOK)
            has_extension, has_table = cursor.fetchone()
        if not has_extension:
            raise NotReady("the extension vector is missing")
        if not has_table:
            raise NotReady("the tables are missing")
