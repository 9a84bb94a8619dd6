"""What PostgreSQL's catalogue knows of the tables that are watched and of the triggers that are there."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import connections

from embeddings.capture.triggers.functions import PREFIX, tables_of
from embeddings.capture.triggers.watches import watches_of
from embeddings.exceptions import TablesMissing
from embeddings.models import DirtyEntity, FanOut
from embeddings.registering.registry import registry

SEARCH_PATH = "search_path=pg_catalog, pg_temp"

TABLES = """
SELECT name, quote_ident(nspname), quote_ident(relname)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, quoted)
JOIN pg_class ON pg_class.oid = to_regclass(quoted) AND relkind IN ('r', 'p')
JOIN pg_namespace ON pg_namespace.oid = relnamespace
"""

# Functions of ours with their triggers; the comment of a function names its entity type.
INSTALLED = """
SELECT proname, coalesce(obj_description(pg_proc.oid, 'pg_proc'), ''), prosrc,
    prosecdef AND coalesce(proconfig = ARRAY[%s], false),
    coalesce(
        jsonb_agg(jsonb_build_array(tgname, format('%%I.%%I', tables.nspname, relname))) FILTER (WHERE tgname IS NOT NULL), '[]'
    )::text,
    coalesce(bool_or(tgenabled = 'D'), false)
FROM pg_proc
JOIN pg_namespace AS functions ON functions.oid = pronamespace AND quote_ident(functions.nspname) = %s
LEFT JOIN pg_trigger ON tgfoid = pg_proc.oid AND tgparentid = 0
LEFT JOIN pg_class ON pg_class.oid = tgrelid
LEFT JOIN pg_namespace AS tables ON tables.oid = relnamespace
WHERE proname LIKE %s
GROUP BY pg_proc.oid ORDER BY proname
"""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A function of ours with its triggers."""

    entity_type: str
    body: str
    is_secured: bool
    """Runs as its owner, with a fixed search path."""
    triggers: frozenset[tuple[str, str]]
    """Names with the qualified tables."""
    is_disabled: bool


def find_tables(using: str) -> dict[str, str]:
    """Qualified and quoted names by those that the models have. Raises TablesMissing."""
    ours = {DirtyEntity._meta.db_table, FanOut._meta.db_table}
    names = [*ours.union(*(tables_of(watches_of(embeddable)) for embeddable in registry))]
    quoted = [connections[using].ops.quote_name(name) for name in names]
    with connections[using].cursor() as cursor:
        cursor.execute(TABLES, [names, quoted])
        found = {name: f"{schema}.{table}" for name, schema, table in cursor.fetchall()}
    if not ours <= found.keys():
        raise TablesMissing(f"The database {using!r} has no tables of embeddings. Run manage.py migrate --database {using} first.")
    return found


def find_installed(using: str, schema: str) -> dict[str, Installed]:
    """By the function's name; of the schema that our tables are in."""
    with connections[using].cursor() as cursor:
        cursor.execute(INSTALLED, [SEARCH_PATH, schema, PREFIX.replace("_", r"\_") + "%"])
        return {
            function: Installed(
                entity_type=entity_type,
                body=body,
                is_secured=is_secured,
                triggers=frozenset((name, table) for name, table in json.loads(triggers)),
                is_disabled=is_disabled,
            )
            for function, entity_type, body, is_secured, triggers, is_disabled in cursor.fetchall()
        }
