"""The database in trouble: errors that are nobody's own failure, and tables that somebody keeps locked."""

from __future__ import annotations

from collections.abc import Collection

from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connections

from embeddings.registering.registry import registry

DATABASE_TROUBLE = (OperationalError, InterfaceError, InternalError)
"""It is away, restarting, full, read-only or broke a deadlock; of its internal errors `is_trouble` says which."""

READ_ONLY = "25006"
DISK_FULL = "53100"
SERVES_NOBODY = (READ_ONLY, "53", "40P01", "55P03")
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
# The second one is refused where nothing can be written.
OUR_TABLES = """
LOCK TABLE embeddings_dirtyentity, embeddings_embeddingstate, embeddings_embedding IN ROW EXCLUSIVE MODE;
SELECT FROM embeddings_dirtyentity LIMIT 0 FOR UPDATE
"""


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's code for what Django raised; empty where it has none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def is_trouble(error: BaseException) -> bool:
    """Whether the database cannot be used, which charges nobody."""
    return isinstance(error, (OperationalError, InterfaceError)) or (isinstance(error, DatabaseError) and sqlstate(error) == READ_ONLY)


def serves_nobody(error: BaseException, *, using: str) -> bool:
    """The same of an error that an embeddable's own query met: with a database that answers others it is the query that failed, by a
    timeout maybe."""
    return is_trouble(error) and (sqlstate(error).startswith(SERVES_NOBODY) or not connections[using].is_usable())


def await_tables(entity_types: Collection[str], *, using: str) -> None:
    """One round trip before the provider is paid. Raises OperationalError where a migration holds a table of ours or of the rows for
    longer than a short wait, InternalError where the database is read-only."""
    connection = connections[using]
    if connection.in_atomic_block:
        return
    models = [registry.get(entity_type).model for entity_type in sorted(entity_types) if entity_type in registry]
    tables = {table._meta.db_table for model in models for table in (model, *model._meta.get_parent_list())}
    looks = [f"SELECT FROM {connection.ops.quote_name(table)} LIMIT 0" for table in sorted(tables)]
    with connection.cursor() as cursor:
        cursor.execute(";".join([WAIT_SHORTLY, OUR_TABLES, *looks]))
