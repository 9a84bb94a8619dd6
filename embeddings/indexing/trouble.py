"""The database in trouble: errors that are nobody's own failure, and tables that somebody keeps locked."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Any

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, ProgrammingError, connections

from embeddings.registering.registry import registry

log = logging.getLogger("embeddings")

DATABASE_TROUBLE = (OperationalError, InterfaceError, InternalError, ProgrammingError)
"""It is away, restarting, full, read-only, not migrated or broke a deadlock; of the last two kinds of errors `is_trouble` says which."""

READ_ONLY = "25006"
DISK_FULL = "53100"
LOCK_NOT_AVAILABLE = "55P03"
UNDEFINED = ("42P01", "42703")
"""A table or a column that is not there: code and migrations are not those of one release, for a while mostly."""
SERVES_NOBODY = (READ_ONLY, "53", "40P01", LOCK_NOT_AVAILABLE)
"""read_only_sql_transaction, insufficient resources, deadlock_detected, lock_not_available: of PostgreSQL's error codes, appendix A."""

# Ten seconds are longer than any statement of ours holds a lock, and well within a job's time: a migration may take as long as it likes.
# Half of a statement's own timeout: an expired wait for a lock is nobody's failure, a statement that took too long may be its entity's.
WAIT_SHORTLY = """
SELECT set_config('lock_timeout', least(
    10000,
    nullif(extract(epoch FROM current_setting('lock_timeout')::interval) * 1000, 0),
    nullif(extract(epoch FROM current_setting('statement_timeout')::interval) * 500, 0)
)::int::text, true)
"""
OUR_TABLES = ("embeddings_dirtyentity", "embeddings_embeddingstate", "embeddings_embedding")
IS_WRITABLE = "SELECT FROM embeddings_dirtyentity LIMIT 0 FOR UPDATE"
"""Refused where nothing can be written."""


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code for what Django raised; empty where it has none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def is_trouble(error: BaseException) -> bool:
    """Whether the database cannot be used, which charges nobody."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return isinstance(error, DatabaseError) and sqlstate(error) in (READ_ONLY, *UNDEFINED)


def serves_nobody(error: BaseException, *, using: str) -> bool:
    """The same of an error that an embeddable's own query met: with a database that answers others it is the query that failed, by a
    timeout maybe."""
    return is_trouble(error) and (sqlstate(error).startswith(SERVES_NOBODY) or not connections[using].is_usable())


def await_tables(entity_types: Collection[str], *, using: str) -> None:
    """One round trip before the provider is paid. Raises OperationalError where a migration holds a table of ours or of the rows for
    longer than a short wait, InternalError where the database is read-only.

    Who waits for a table holds none meanwhile, so that a migration that wants several never meets a deadlock with a worker.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        return
    locks = [*(f"{table} IN ROW EXCLUSIVE MODE" for table in OUR_TABLES), *_row_locks(entity_types, connection)]
    with connection.cursor() as cursor:
        try:
            cursor.execute(";".join([*(f"LOCK TABLE {lock} NOWAIT" for lock in locks), IS_WRITABLE]))
        except OperationalError as error:
            if sqlstate(error) != LOCK_NOT_AVAILABLE:
                raise
            for lock in locks:
                cursor.execute(f"{WAIT_SHORTLY};LOCK TABLE {lock}")
        except ProgrammingError as error:  # no such table, no right, a view of another server: whoever reads it fails by itself
            log.debug("The tables were not looked at: %s", error)


def _row_locks(entity_types: Collection[str], connection: Any) -> list[str]:
    models = [registry.get(entity_type).model for entity_type in sorted(entity_types) if entity_type in registry]
    tables = {table._meta.db_table for model in models for table in (model, *model._meta.get_parent_list())}
    return [f"{connection.ops.quote_name(table)} IN ACCESS SHARE MODE" for table in sorted(tables)]
