"""Whether each database can hold vectors, and has the triggers that it should have. Asked with `check --database`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connections

from embeddings.capture.triggers import installation
from embeddings.conf import settings
from embeddings.exceptions import TablesMissing

LEAST_PGVECTOR = (0, 8, 4)
LOOK = """
    SELECT default_version, installed_version, rolname,
        rolsuper OR (NOT superuser OR trusted) AND has_database_privilege(current_database(), 'CREATE')
    FROM pg_available_extensions AS extension
    JOIN pg_available_extension_versions AS offered ON offered.name = extension.name AND offered.version = default_version
    JOIN pg_roles ON rolname = current_user
    WHERE extension.name = 'vector'
"""


@register(Tags.database)
def check_pgvector(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for alias in databases or ():
        connection = connections[alias]
        if connection.vendor != "postgresql":
            messages.append(
                Error(f"The database {alias!r} is no PostgreSQL.", hint="Embeddings need PostgreSQL with pgvector.", id="embeddings.E003")
            )
            continue
        try:
            with connection.cursor() as cursor:
                cursor.execute(LOOK)
                row = cursor.fetchone()
        except DatabaseError as error:
            reason = str(error).strip().splitlines()[0]
            messages.append(Error(f"The database {alias!r} does not answer: {reason}", hint="See DATABASES.", id="embeddings.E004"))
            continue
        messages += _check_version(alias, row)
    return messages


def _check_version(alias: str, row: tuple[str, str | None, str, bool] | None) -> list[CheckMessage]:
    if row is None:
        hint = "Install it on the server (package postgresql-NN-pgvector, image pgvector/pgvector)."
        return [Error(f"The server of the database {alias!r} has no pgvector extension.", hint=hint, id="embeddings.E005")]
    offered, installed, role, may_create = row
    version = installed or offered
    if tuple(int(part) for part in version.split(".")) < LEAST_PGVECTOR:
        hint = "Install a newer package, then ALTER EXTENSION vector UPDATE."
        return [Error(f"pgvector of the database {alias!r} is {version}; 0.8.4 or later is needed.", hint=hint, id="embeddings.E006")]
    if installed is None and not may_create:
        hint = "Let an administrator run CREATE EXTENSION vector in it; where the host allows it all the same, migrate creates it."
        text = f"The database {alias!r} lacks the extension vector, and PostgreSQL's own rules do not let the role {role!r} create it."
        return [Warning(text, hint=hint, id="embeddings.W011")]
    return []


@register(Tags.database)
def check_triggers(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Missing ones matter where nothing else captures, outdated ones always: they may make writes fail."""
    messages: list[CheckMessage] = []
    for alias in [alias for alias in databases or () if alias in settings.databases and connections[alias].vendor == "postgresql"]:
        try:
            states = installation.status(using=alias)
        except (DatabaseError, TablesMissing):
            continue  # embeddings.E004 or the check of migrations says so
        is_used = not settings.signals or any(state.state != "missing" for state in states)
        wrong = [f"{state.entity_type} on {state.table} ({state.state})" for state in states if is_used and state.state != "installed"]
        if wrong:
            names = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
            text = f"Triggers of embeddings in the database {alias!r} are not as they should be: {names}."
            messages.append(Warning(text, hint="Run manage.py embeddings_triggers install.", id="embeddings.W010"))
    return messages
