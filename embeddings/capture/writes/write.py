"""What a write without signals owes: keys are read and locked first, marks are written in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import F, Model, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, Collate

from embeddings.capture.disabled import is_captured
from embeddings.capture.writes.among import has_key_among
from embeddings.capture.writes.touched import Path, Touched, find_touched
from embeddings.names import Operation
from embeddings.owing.changes import PART, Change
from embeddings.owing.dirty import record, record_rows
from embeddings.owing.fan_outs import fan_out
from embeddings.parts import parts
from embeddings.registering.embeddable import Embeddable, owner_text

NEW_KEY = "embeddings_new_key"


def write_to(model: type[Model], *, using: str, names: Iterable[str] | None = None) -> Write | None:
    """The write of these fields (None: of whole rows) to rows of the model; None where no embeddable cares."""
    if not is_captured(using):
        return None
    touched = find_touched(model, names)
    return Write(model, touched, using) if touched else None


class Write:
    """One bulk write and what it owes, in one transaction.

    An insert: `creating`, the write, `created`. An update: `lock`, `updating`, the write, `updated`. A deletion: `lock`, `deleting`,
    the write.
    """

    def __init__(self, model: type[Model], touched: Touched, using: str) -> None:
        self.model = model
        self.touched = touched
        self.using = using
        self._rows: list[tuple[Any, ...]] = []
        self._keys: list[Any] = []
        self._new_keys: list[Any] = []

    def lock(self, matched: QuerySet[Any]) -> Any:
        """Locks the matched rows in the order of their keys, the same for everybody. Returns a queryset of them alone.

        Whatever the conditions of `matched` are (joins, groups, windows), only the model's own rows are locked.
        """
        base = self._all_rows(self.model).filter(pk__in=matched.order_by().values("pk"))
        in_order = base.order_by(Collate(Cast("pk", TextField()), "C")).select_for_update()
        columns = [column for embeddable in self.touched.own for column in (F(embeddable.model._meta.pk.name), _hint(embeddable))]
        self._rows = list(in_order.values_list("pk", *columns))
        self._keys = [row[0] for row in self._rows]
        return matched.filter(has_key_among(self.model, self._keys, using=self.using)) if self._keys else matched.none()

    def updating(self, rows: QuerySet[Any], values: dict[str, Any]) -> None:
        """Marks what the locked rows lead to now, and finds the keys that they will have."""
        self._record_dependants(self.touched.links, self._keys)
        key = self.model._meta.pk
        for name in {key.name, key.attname} & values.keys():
            value = values[name] if hasattr(values[name], "resolve_expression") else Value(values[name], output_field=key)
            self._new_keys = list(rows.annotate(**{NEW_KEY: value}).values_list(NEW_KEY, flat=True))

    def updated(self) -> None:
        """Marks the rows under their old and new keys, and what they lead to now."""
        self._record_locked("update")
        for embeddable in self.touched.own:
            self._record(embeddable, ((key, "") for key in self._new_keys), "create")
        self._record_completed([*self._keys, *self._new_keys])
        self._record_dependants(self.touched.links, [*self._keys, *self._new_keys])
        self._fan_out([*self._keys, *self._new_keys])

    def deleting(self) -> None:
        """Marks the rows and all that leads to them."""
        self._record_locked("delete")
        self._record_completed(self._keys)
        self._record_dependants([*self.touched.links, *self.touched.related], self._keys)

    def creating(self, objs: Sequence[Any], unique_fields: Collection[str]) -> None:
        """Marks what the rows lead to now that an upsert would change."""
        if self.touched.links and unique_fields:
            self._record_dependants(self.touched.links, self._find_conflicting(objs, unique_fields))

    def created(self, objs: Sequence[Any], unique_fields: Collection[str]) -> None:
        """Marks the rows and what they lead to. New rows are led to by their own links alone, changed ones maybe by others' too."""
        known = [obj for obj in objs if obj.pk is not None]
        changed = self._find_conflicting(known, unique_fields)
        for embeddable in self.touched.own:
            self._record(embeddable, ((obj.pk, _hint_of(embeddable, obj)) for obj in known), "create")
            self._record(embeddable, ((key, "") for key in changed), "update")
        keys = [*dict.fromkeys([*(obj.pk for obj in known), *changed])]
        self._record_dependants(self.touched.links, keys)
        if unique_fields:
            self._record_completed(keys)
            self._fan_out(keys)

    def _all_rows(self, model: type[Model]) -> Any:
        return model._base_manager.using(self.using)

    def _record_locked(self, operation: Operation) -> None:
        for index, embeddable in enumerate(self.touched.own):
            self._record(embeddable, ((row[2 * index + 1], row[2 * index + 2]) for row in self._rows), operation)

    def _record(self, embeddable: Embeddable, rows: Iterable[tuple[Any, Any]], operation: Operation) -> None:
        """Rows are keys with the hint who owns them."""
        record(
            [
                Change(
                    entity_type=embeddable.entity_type,
                    entity_id=str(key),
                    owner_id=owner_text(owner),
                    operation=operation,
                )
                for key, owner in rows
            ],
            using=self.using,
        )

    def _record_completed(self, keys: Sequence[Any]) -> None:
        """Marks the entities of which these rows are the part in a parent's table."""
        for embeddable in self.touched.inheriting if keys else ():
            among = has_key_among(self.model, keys, using=self.using, path=self.model._meta.pk.name)
            record_rows(embeddable, self._all_rows(embeddable.model).filter(among))

    def _record_dependants(self, paths: Iterable[Path], keys: Sequence[Any]) -> None:
        for embeddable, path in paths if keys else ():
            leading = self._all_rows(embeddable.model).filter(has_key_among(self.model, keys, using=self.using, path=f"{path}__pk"))
            record_rows(embeddable, self._all_rows(embeddable.model).filter(pk__in=leading.values("pk")))

    def _fan_out(self, keys: Sequence[Any]) -> None:
        for embeddable, path in self.touched.related if keys else ():
            fan_out(embeddable, path, keys, using=self.using)

    def _find_conflicting(self, objs: Sequence[Any], unique_fields: Collection[str]) -> list[Any]:
        """Keys of the rows that an upsert updates in place of inserting these: they need not be those of the objects."""
        meta = self.model._meta
        fields: list[Any] = [meta.pk if name == "pk" else meta.get_field(name) for name in unique_fields]
        found: list[Any] = []
        for part in parts(objs if fields else (), PART):
            same = [Q(**{field.attname: getattr(obj, field.attname) for field in fields}) for obj in part]
            found += self._all_rows(self.model).filter(Q(*same, _connector=Q.OR)).values_list("pk", flat=True)
        return found


def _hint(embeddable: Embeddable) -> F | Value:
    """Who owns a row, where that is a column of it: no other table is joined, or locked, for a hint."""
    return Value("") if "__" in embeddable.owner else F(embeddable.owner)


def _hint_of(embeddable: Embeddable, obj: Model) -> Any:
    return "" if "__" in embeddable.owner else embeddable.owner_id(obj)
