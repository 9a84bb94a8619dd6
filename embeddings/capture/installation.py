"""Installing, removing and comparing the triggers of one database."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections, transaction

from embeddings.capture.registry import registry
from embeddings.capture.triggers import PREFIX, REFERENCING, WHEN, Trigger, literal, quote, tables_of, triggers_of
from embeddings.capture.watches import watches_of
from embeddings.conf import settings
from embeddings.exceptions import TablesMissing
from embeddings.models import DirtyEntity, FanOut

State = Literal["installed", "missing", "outdated", "disabled", "leftover"]

TABLES = """
SELECT name, quote_ident(nspname), quote_ident(relname)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, quoted)
JOIN pg_class ON pg_class.oid = to_regclass(quoted) AND relkind IN ('r', 'p')
JOIN pg_namespace ON pg_namespace.oid = relnamespace
"""

# Functions of ours with their triggers; the comment of a function names its entity type.
INSTALLED = """
SELECT proname, coalesce(obj_description(pg_proc.oid, 'pg_proc'), ''), prosrc, prosecdef,
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
class TriggerState:
    """The triggers of one entity type on one table."""

    entity_type: str
    table: str
    function: str
    state: State


@dataclass(frozen=True, kw_only=True)
class _Found:
    entity_type: str
    body: str
    is_definer: bool
    triggers: frozenset[tuple[str, str]]
    """Names with the qualified tables."""
    is_disabled: bool


class Installation:
    """The triggers that the registry wants in a database, beside those that are there. Raises TablesMissing."""

    def __init__(self, using: str, entity_types: Collection[str] = ()) -> None:
        self.using = using
        self.entity_types = entity_types
        self.tables = _find_tables(using)
        self.schema = self.tables[DirtyEntity._meta.db_table].rpartition(".")[0]

        self.found = _find_installed(using, self.schema)

    def compare(self) -> list[tuple[TriggerState, Trigger | None]]:
        """Each with what it should be, None for leftovers."""
        wanted = {trigger.function: trigger for trigger in triggers_of(registry, self.tables)}
        states = [(self._state_of(trigger), trigger) for trigger in wanted.values()]
        leftovers = [(_leftover(function, left), None) for function, left in self.found.items() if function not in wanted]
        both = [*states, *leftovers]
        return [(state, trigger) for state, trigger in both if not self.entity_types or state.entity_type in self.entity_types]

    def create(self, trigger: Trigger) -> None:
        """The function runs as whoever installs it, so that writers need no rights on our tables; hence its fixed search path."""
        function, table = self._qualified(trigger.function), self.tables[trigger.table]
        statements = [
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
            f" SET search_path = pg_catalog, pg_temp AS {literal(trigger.body)}",
            f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC",
            f"COMMENT ON FUNCTION {function}() IS {literal(trigger.entity_type)}",
            *(f"DROP TRIGGER {quote(name)} ON {other}" for name, other in self._surplus(trigger)),
            *(
                f"CREATE OR REPLACE TRIGGER {quote(trigger.name(event))} {WHEN[event]} {event} ON {table} {REFERENCING[event]}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
                for event in trigger.events
            ),
        ]
        self._execute(statements)

    def drop(self, function: str) -> None:
        """With its triggers, whatever they are called and wherever they are."""
        self._execute([f"DROP FUNCTION IF EXISTS {self._qualified(function)}() CASCADE"])

    def _state_of(self, trigger: Trigger) -> TriggerState:
        found = self.found.get(trigger.function)
        state: State
        if found is None:
            state = "missing"
        elif (found.body, found.triggers, found.is_definer) != (trigger.body, self._wanted(trigger), True):
            state = "outdated"
        else:
            state = "disabled" if found.is_disabled else "installed"
        return TriggerState(entity_type=trigger.entity_type, table=trigger.table, function=trigger.function, state=state)

    def _wanted(self, trigger: Trigger) -> frozenset[tuple[str, str]]:
        return frozenset((trigger.name(event), self.tables[trigger.table]) for event in trigger.events)

    def _surplus(self, trigger: Trigger) -> list[tuple[str, str]]:
        found = self.found.get(trigger.function)
        return sorted(found.triggers - self._wanted(trigger)) if found else []

    def _qualified(self, function: str) -> str:
        return f"{self.schema}.{quote(function)}"

    def _execute(self, statements: Sequence[str]) -> None:
        with transaction.atomic(using=self.using), connections[self.using].cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def status(*, using: str, entity_types: Collection[str] = ()) -> list[TriggerState]:
    """What the registry wants and what is there, by entity type (none: all). Raises TablesMissing."""
    return [state for state, _ in Installation(using, entity_types).compare()]


def install(*, using: str, entity_types: Collection[str] = (), dry_run: bool = False) -> list[TriggerState]:
    """Installs what is missing, renews what is outdated, removes what is left over. Returns what it found so. Raises TablesMissing.

    A transaction for each function: its table's writers are waited for, and wait.
    """
    installation = Installation(using, entity_types)
    todo = [(state, trigger) for state, trigger in installation.compare() if state.state != "installed"]
    for state, trigger in [] if dry_run else todo:
        if trigger is None:
            installation.drop(state.function)
        else:
            installation.create(trigger)
    return [state for state, _ in todo]


def remove(*, using: str, entity_types: Collection[str] = (), dry_run: bool = False) -> list[TriggerState]:
    """Removes all triggers of ours with their functions. Returns what was there. Raises TablesMissing."""
    installation = Installation(using, entity_types)
    there = [state for state, _ in installation.compare() if state.state != "missing"]
    for state in [] if dry_run else there:
        installation.drop(state.function)
    return there


def refresh(*, using: str, plan: Sequence[Any] = (), **_: Any) -> None:
    """After migrations: once installed, triggers follow the tables. Where there are none, none are installed."""
    if not plan or using not in settings.databases:
        return
    try:
        if any(state.state != "missing" for state in status(using=using)):
            install(using=using)
    except TablesMissing:  # migrated back to before they were
        return


def _leftover(function: str, found: _Found) -> TriggerState:
    tables = sorted({table.rpartition(".")[2].strip('"') for _, table in found.triggers})
    return TriggerState(entity_type=found.entity_type, table=", ".join(tables), function=function, state="leftover")


def _find_tables(using: str) -> dict[str, str]:
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


def _find_installed(using: str, schema: str) -> dict[str, _Found]:
    with connections[using].cursor() as cursor:
        cursor.execute(INSTALLED, [schema, PREFIX.replace("_", r"\_") + "%"])
        return {
            function: _Found(
                entity_type=entity_type,
                body=body,
                is_definer=is_definer,
                triggers=frozenset((name, table) for name, table in json.loads(triggers)),
                is_disabled=is_disabled,
            )
            for function, entity_type, body, is_definer, triggers, is_disabled in cursor.fetchall()
        }
