"""A queryset whose bulk writes are captured, as saves are. Importing this imports no models."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models, transaction

if TYPE_CHECKING:
    Rows = models.QuerySet[Any]
else:
    Rows = object

M = TypeVar("M", bound=models.Model, covariant=True)


class EmbeddableQuerySetMixin(Rows):
    """Captures `bulk_create`, `bulk_update`, `update`, `_raw_delete` and their async forms in the transaction of the write:

        class NoteQuerySet(EmbeddableQuerySetMixin, models.QuerySet): ...

        class Note(models.Model):
            objects = NoteQuerySet.as_manager()  # or EmbeddableManager()

    For registered models and for those that an embeddable depends on; for all others it changes nothing, nor within
    `embeddings_disabled()` or with EMBEDDINGS_SIGNALS = False. `delete`, `get_or_create` and `update_or_create` send signals anyway.
    What Django writes by itself (`shelf.note_set.add`) goes through the model's base manager: `Meta.base_manager_name = "objects"`.
    """

    def bulk_create(
        self,
        objs: Iterable[Any],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[Any]:
        """With `ignore_conflicts`, rows whose key the database makes are not known afterwards: they are left to triggers and the
        reconciler. Rows that an upsert finds under another key are looked up by `unique_fields`."""
        from embeddings.capture.writes.write import write_to

        self._for_write = True
        write = write_to(self.model, using=self.db)
        if not write:
            return super().bulk_create(objs, batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields)
        rows, unique = list(objs), tuple(unique_fields or ())
        with transaction.atomic(using=self.db, savepoint=False):
            write.creating(rows, unique)
            created = super().bulk_create(rows, batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields)
            write.created(created, unique)
        return created

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, objs: Iterable[Any], fields: Iterable[str], batch_size: int | None = None) -> int:
        """Captured by `update`, which it calls. In the order of the keys, so that two of them never wait for each other."""
        return super().bulk_update(sorted(objs, key=lambda obj: str(obj.pk)), fields, batch_size)

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def update(self, **values: Any) -> int:
        """Locks the matched rows, marks them, and updates none but them."""
        from embeddings.capture.writes.write import write_to

        self._for_write = True
        write = write_to(self.model, using=self.db, names=values)
        if not write or self.query.is_sliced or self.query.combinator:
            return super().update(**values)
        with transaction.atomic(using=self.db, savepoint=False):
            rows = write.lock(self)
            write.updating(rows, values)
            count = super(EmbeddableQuerySetMixin, rows).update(**values)
            write.updated()
        self._result_cache = None
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def _raw_delete(self, using: str | None) -> int:
        from embeddings.capture.writes.write import write_to

        alias = using or self.db
        write = write_to(self.model, using=alias)
        if not write:
            return super()._raw_delete(using)
        with transaction.atomic(using=alias, savepoint=False):
            rows = write.lock(self.using(alias))
            write.deleting()
            return super(EmbeddableQuerySetMixin, rows)._raw_delete(alias)

    _raw_delete.alters_data = True  # type: ignore[attr-defined]


class EmbeddableQuerySet(EmbeddableQuerySetMixin, models.QuerySet[M]):
    """A queryset with the mixin and nothing else."""


EmbeddableManager = models.Manager.from_queryset(EmbeddableQuerySet, "EmbeddableManager")
"""`objects = EmbeddableManager()`: a manager with the mixin and nothing else."""
