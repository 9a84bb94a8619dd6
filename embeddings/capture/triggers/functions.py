"""Triggers that mark dirty what any statement changed, whoever sent it: the text of their functions.

One function per entity type and table, called once per statement with the rows before and after (transition tables). It writes
what receivers write, but for the job: `enqueued_at` lies long past, so that the next sweep sends one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import Model

from embeddings.capture.triggers.watches import Watch, column_of, watches_of
from embeddings.models import DirtyEntity, FanOut
from embeddings.registering.registry import Registry

PREFIX = "embeddings_on_"
EVENTS = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
REFERENCING = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
    "TRUNCATE": "",
}
WHEN = {"INSERT": "AFTER", "UPDATE": "AFTER", "DELETE": "AFTER", "TRUNCATE": "BEFORE"}
"""A TRUNCATE tells of no rows: they must still be there."""
SEQUENCE = "embeddings_version_seq"

# Says in the error, should a column of a table be gone, what is to be done.
HINT = "/* after a change of this table: manage.py embeddings_triggers install */"

DIRTY = """
    INSERT INTO {dirty} AS dirty {hint} (entity_type, entity_id, version, dirtied_at, enqueued_at, parked_reason)
    SELECT {entity_type}, owed.key, nextval({sequence}), now(), timestamptz 'epoch', ''
    FROM ({keys}) AS owed (key)
    WHERE owed.key IS NOT NULL ORDER BY owed.key COLLATE "C"
    ON CONFLICT (entity_type, entity_id) DO UPDATE SET
      version = nextval({sequence}),
      dirtied_at = CASE WHEN dirty.parked_reason = '' THEN dirty.dirtied_at ELSE excluded.dirtied_at END,
      enqueued_at = excluded.enqueued_at, parked_reason = '', parked_at = NULL;"""

FAN_OUT = """
    INSERT INTO {fan_out} AS fan_out {hint}
      (entity_type, path, related_id, transaction_id, position, version, dirtied_at, enqueued_at, parked_reason)
    SELECT {entity_type}, owed.path, owed.key, 0, '', nextval({sequence}), now(), timestamptz 'epoch', ''
    FROM ({keys}) AS owed (path, key)
    WHERE owed.key IS NOT NULL ORDER BY owed.path COLLATE "C", owed.key COLLATE "C"
    ON CONFLICT (entity_type, transaction_id, path, related_id) DO UPDATE SET
      position = '', version = nextval({sequence}),
      dirtied_at = CASE WHEN fan_out.parked_reason = '' THEN fan_out.dirtied_at ELSE excluded.dirtied_at END,
      enqueued_at = excluded.enqueued_at, parked_reason = '', parked_at = NULL;"""

KEYS = "SELECT DISTINCT {path}{key}::text FROM {rows} AS r"

# Compared byte by byte: types without equality (json) have it too, and what a collation calls equal is another text.
CHANGED_KEYS = (
    "SELECT DISTINCT {path}changed.key::text FROM old_rows AS o FULL JOIN new_rows AS n ON {same}"
    " CROSS JOIN LATERAL (VALUES ({old_key}), ({new_key})) AS changed (key)"
    " WHERE ROW({old})::record *<> ROW({new})::record"
)

LOOKUP = "(SELECT k.{key} FROM {table} AS k WHERE k.{column} = {value})"


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """The function of one entity type on one table, and the events that call it."""

    entity_type: str
    table: str
    function: str
    body: str
    events: tuple[str, ...]

    def name(self, event: str) -> str:
        return f"{self.function}_{event.lower()}"


def triggers_of(registry: Registry, tables: Mapping[str, str]) -> list[Trigger]:
    """`tables` has the qualified and quoted name of each table that exists; those that do not have no triggers."""
    found: list[Trigger] = []
    for embeddable in registry:
        by_model: dict[type[Model], list[Watch]] = {}
        for watch in watches_of(embeddable):
            by_model.setdefault(watch.model, []).append(watch)
        for model, watches in by_model.items():
            if all(table in tables for table in tables_of(watches)):
                found.append(_Writer(embeddable.entity_type, model, watches, tables).write())
    return found


def tables_of(watches: Iterable[Watch]) -> set[str]:
    return {model._meta.db_table for watch in watches for model in (watch.model, *(model for model, _ in watch.ways))}


class _Writer:
    """Writes the function for the watches of one table."""

    def __init__(self, entity_type: str, model: type[Model], watches: list[Watch], tables: Mapping[str, str]) -> None:
        self.entity_type = entity_type
        self.model = model
        self.watches = watches
        self.tables = tables

    def write(self) -> Trigger:
        statements = {event: self._statements(event) for event in EVENTS}
        events = tuple(event for event in EVENTS if statements[event])
        branches = "\n".join(f"  IF TG_OP = '{event}' THEN{statements[event]}\n  END IF;" for event in events)
        table = self.model._meta.db_table
        return Trigger(
            entity_type=self.entity_type,
            table=table,
            function=function_name(self.entity_type, table),
            body=f"\nBEGIN\n{branches}\n  RETURN NULL;\nEND\n",
            events=events,
        )

    def _statements(self, event: str) -> str:
        watches = [watch for watch in self.watches if event == "UPDATE" or not watch.updates_only]
        entities = [self._keys(watch, event) for watch in watches if not watch.path]
        related = [self._keys(watch, event) for watch in watches if watch.path]
        statements = ((DIRTY, entities), (FAN_OUT, related))
        return "".join(self._statement(template, selects) for template, selects in statements if selects)

    def _statement(self, template: str, selects: list[str]) -> str:
        meta = DirtyEntity._meta
        dirty = self.tables[meta.db_table]
        schema = dirty.rpartition(".")[0]
        return template.format(
            hint=HINT,
            dirty=dirty,
            fan_out=self.tables[FanOut._meta.db_table],
            sequence=literal(f"{schema}.{SEQUENCE}"),
            entity_type=literal(self.entity_type),
            keys="\n      UNION ".join(dict.fromkeys(selects)),
        )

    def _keys(self, watch: Watch, event: str) -> str:
        """Selects the text of the keys, after the path if there is one."""
        path = f"{literal(watch.path)}, " if watch.path else ""
        if event != "UPDATE":
            rows = {"INSERT": "new_rows", "DELETE": "old_rows", "TRUNCATE": self.tables[watch.model._meta.db_table]}[event]
            return KEYS.format(path=path, key=self._key(watch, "r"), rows=rows)
        return CHANGED_KEYS.format(
            path=path,
            same=" AND ".join(f"o.{column} = n.{column}" for column in map(quote, self._primary_key())),
            old_key=self._key(watch, "o"),
            new_key=self._key(watch, "n"),
            old=self._compared(watch, "o"),
            new=self._compared(watch, "n"),
        )

    def _compared(self, watch: Watch, row: str) -> str:
        if watch.columns is None:
            return f"{row}.*"
        return ", ".join(f"{row}.{quote(column)}" for column in sorted({*self._primary_key(), watch.column, *watch.columns}))

    def _key(self, watch: Watch, row: str) -> str:
        value = f"{row}.{quote(watch.column)}"
        for model, column in watch.ways:
            key, table = quote(column_of(model._meta.pk)), self.tables[model._meta.db_table]
            value = LOOKUP.format(key=key, table=table, column=quote(column), value=value)
        return value

    def _primary_key(self) -> Iterator[str]:
        return map(column_of, self.model._meta.pk_fields)


def function_name(entity_type: str, table: str) -> str:
    """Readable as far as 63 bytes go, and of these two alone."""
    slug = re.sub(r"[^a-z0-9]+", "_", f"{entity_type}_{table}".lower())[:30]
    return f"{PREFIX}{slug}_{hashlib.sha256(f'{entity_type} {table}'.encode()).hexdigest()[:8]}"


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
