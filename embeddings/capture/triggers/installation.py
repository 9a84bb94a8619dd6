"""Installing, removing and comparing the triggers of one database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connections, transaction

from embeddings.capture.triggers.catalog import SEARCH_PATH, Installed, find_installed, find_tables
from embeddings.capture.triggers.functions import REFERENCING, WHEN, Trigger, literal, quote, triggers_of
from embeddings.conf import settings
from embeddings.exceptions import TablesMissing
from embeddings.models import DirtyEntity
from embeddings.registering.registry import registry

State = Literal["installed", "missing", "outdated", "disabled", "leftover"]


@dataclass(frozen=True, kw_only=True)
class TriggerState:
    """The triggers of one entity type on one table."""

    entity_type: str
    table: str
    function: str
    state: State


class Installation:
    """The triggers that the registry wants in a database, beside those that are there. Raises TablesMissing."""

    def __init__(self, using: str, entity_types: Collection[str] = ()) -> None:
        self.using = using
        self.entity_types = entity_types
        self.tables = find_tables(using)
        self.schema = self.tables[DirtyEntity._meta.db_table].rpartition(".")[0]
        self.found = find_installed(using, self.schema)

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
            f" SET {SEARCH_PATH} AS {literal(trigger.body)}",
            f"REVOKE ALL ON FUNCTION {function}() FROM PUBLIC",
            f"COMMENT ON FUNCTION {function}() IS {literal(trigger.entity_type)}",
            *(f"DROP TRIGGER IF EXISTS {quote(name)} ON {other}" for name, other in self._surplus(trigger)),
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
        elif (found.body, found.triggers, found.is_secured) != (trigger.body, self._wanted(trigger), True):
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
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('embeddings_triggers'))")  # several hosts may migrate at once
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
    if not plan or using not in settings.databases or connections[using].vendor != "postgresql":
        return
    try:
        if any(state.state != "missing" for state in status(using=using)):
            install(using=using)
    except TablesMissing:  # migrated back to before they were
        return


def _leftover(function: str, found: Installed) -> TriggerState:
    tables = sorted({table.rpartition(".")[2].strip('"') for _, table in found.triggers})
    return TriggerState(entity_type=found.entity_type, table=", ".join(tables), function=function, state="leftover")
