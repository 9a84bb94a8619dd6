"""The rows that an embeddable embeds, as SQL: the key and the owner of each, without loading one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import F, QuerySet

from embeddings.registering.embeddable import Embeddable

# Ids are text. They become keys, not keys text, so that the source's own index is used; what cannot be a key becomes NULL, never an error.
INTEGER = """CASE WHEN {id} ~ '^-?[0-9]{{1,19}}$' THEN
    CASE WHEN {id}::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN {id}::bigint END
END"""
UUID = "CASE WHEN {id} ~ '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN {id}::uuid END"
TEXT = "{id}"
KEYS = {"smallint": INTEGER, "integer": INTEGER, "bigint": INTEGER, "uuid": UUID, "text": TEXT}


@dataclass(frozen=True, kw_only=True)
class Source:
    """`sql` selects (key, owner) of every row, with `params`. `key_type` is what a key's text is cast to."""

    sql: str
    params: tuple[Any, ...]
    key_type: str

    def is_of(self, entity_id: str) -> str:
        """The SQL condition by which a row (`rows.key`) is that of an entity, through the source's index; `entity_id` is a column."""
        if self.key_type not in KEYS:
            return self.is_exactly_of(entity_id)
        return f"rows.key = {KEYS[self.key_type].format(id=entity_id)} AND {self.is_exactly_of(entity_id)}"

    def is_exactly_of(self, entity_id: str) -> str:
        """The same without the index: quicker where all rows are looked at."""
        return f"""rows.key::text COLLATE "C" = {entity_id} COLLATE "C\""""


def source_of(embeddable: Embeddable, using: str, rows: QuerySet[Any] | None = None) -> Source:
    """These rows, by default the embeddable's queryset, without what it joins and prefetches to build content."""
    chosen = embeddable.queryset() if rows is None else rows
    query = chosen.using(using).select_related(None).prefetch_related(None).order_by().values_list("pk", F(embeddable.owner)).query
    sql, params = query.get_compiler(using, elide_empty=False).as_sql()
    key_type = str(embeddable.model._meta.pk.db_type(connections[using]))
    return Source(sql=sql, params=tuple(params), key_type="text" if key_type.startswith("varchar") else key_type)
