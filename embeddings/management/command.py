"""What the commands have in common."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, OperationalError
from django.utils.connection import ConnectionDoesNotExist

from embeddings.indexing.trouble import UNDEFINED, sqlstate


class EmbeddingsCommand(BaseCommand):
    """Says in a sentence what is wrong with the database: that is a person's matter, not the code's."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except ConnectionDoesNotExist as error:
            raise CommandError(f"{error} EMBEDDINGS_DATABASES names aliases of DATABASES alone.") from error
        except DatabaseError as error:
            if sentence := _explain(error):
                raise CommandError(sentence) from error
            raise


def _explain(error: DatabaseError) -> str | None:
    """None for what may be a fault of the code."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    if sqlstate(error) in UNDEFINED:
        return f"The tables are not as they should be: {reason}. Run manage.py migrate, with --database for another than the default."
    if isinstance(error, OperationalError):
        return f"The database cannot be used: {reason}. Check DATABASES, and whether it runs."
    return None
