"""The reconciler: compares what should be indexed with what is, key by key, and owes the difference."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from embeddings.capture.changes import Change, record
from embeddings.capture.embeddable import Embeddable
from embeddings.capture.registry import registry
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel, EmbeddingState

PART = 1000


@dataclass(frozen=True, kw_only=True)
class TypeReport:
    """One entity type: rows that should be embedded, and what is wrong with the index. Counts of entities."""

    entity_type: str
    rows: int = 0
    embedded: int = 0
    pending: int = 0
    parked: int = 0
    missing: int = 0
    wrong_owner: int = 0
    orphaned: int = 0

    @property
    def is_right(self) -> bool:
        return not (self.pending or self.parked or self.missing or self.wrong_owner or self.orphaned)


def reconcile(*, using: str = "default", dry_run: bool = False) -> list[TypeReport]:
    """Looks at every entity type; unless `dry_run`, what is missing, orphaned or another's is marked dirty and enqueued."""
    model = EmbeddingModel.objects.using(using).active()
    return [_reconcile_type(embeddable, model, dry_run=dry_run) for embeddable in registry]


def _reconcile_type(embeddable: Embeddable, model: EmbeddingModel, *, dry_run: bool) -> TypeReport:
    entity_type = embeddable.entity_type
    dirty = DirtyEntity.objects.using(model.database).filter(entity_type=entity_type)
    pending = set(dirty.pending().values_list("entity_id", flat=True))
    parked = set(dirty.parked().values_list("entity_id", flat=True))
    owed = pending | parked
    rows = embedded = missing = wrong_owner = 0
    expected: set[str] = set()
    for part in _parts(embeddable, model.database):
        stored = _stored([entity_id for entity_id, _ in part], entity_type, model)
        absent = [entity_id for entity_id, owner in part if entity_id not in stored and entity_id not in owed]
        foreign = [i for i, owner in part if i in stored and stored[i] not in ("", owner) and i not in owed]
        rows += len(part)
        embedded += sum(1 for entity_id, owner in part if stored.get(entity_id) in ("", owner))
        missing += len(absent)
        wrong_owner += len(foreign)
        expected.update(entity_id for entity_id, _ in part)
        if not dry_run:
            _owe([*absent, *foreign], entity_type, model)
    orphans = sorted(orphaned_ids(entity_type, model.database) - expected - owed)
    if not dry_run:
        for start in range(0, len(orphans), PART):
            gone = orphans[start : start + PART]
            record([Change(entity_type=entity_type, entity_id=entity_id, operation="delete") for entity_id in gone], using=model.database)
    return TypeReport(
        entity_type=entity_type,
        rows=rows,
        embedded=embedded,
        pending=len(pending),
        parked=len(parked),
        missing=missing,
        wrong_owner=wrong_owner,
        orphaned=len(orphans),
    )


def _owe(ids: list[str], entity_type: str, model: EmbeddingModel) -> None:
    """A state whose vectors vanished must not find its content unchanged."""
    EmbeddingState.objects.using(model.database).filter(entity_type=entity_type, entity_id__in=ids, model=model).update(content_hash="")
    record([Change(entity_type=entity_type, entity_id=entity_id) for entity_id in ids], using=model.database)


def orphaned_ids(entity_type: str, using: str) -> set[str]:
    """Ids of this type that have vectors; those without an entity are orphans."""
    return set(Embedding.objects.using(using).filter(entity_type=entity_type).values_list("entity_id", flat=True).distinct())


def _parts(embeddable: Embeddable, using: str) -> Iterator[list[tuple[str, str]]]:
    """(id, owner) of the rows to embed, a thousand at a time."""
    part: list[tuple[str, str]] = []
    for obj in embeddable.queryset().using(using).order_by("pk").iterator(chunk_size=PART):
        owner: Any = embeddable.owner_id(obj)
        if owner is not None and embeddable.is_wanted(obj):
            part.append((str(obj.pk), str(owner)))
            if len(part) == PART:
                yield part
                part = []
    yield part


def _stored(ids: list[str], entity_type: str, model: EmbeddingModel) -> dict[str, str]:
    """Owner by id of what is rightly stored: vectors with their owner, empty content with ''."""
    states = EmbeddingState.objects.using(model.database).filter(entity_type=entity_type, entity_id__in=ids, model=model)
    empty = states.filter(status=EmbeddingState.Status.EMPTY).values_list("entity_id", flat=True)
    vectors = (
        Embedding.objects.using(model.database)
        .filter(entity_type=entity_type, entity_id__in=ids, model=model)
        .values_list("entity_id", "user_id")
    )
    return dict.fromkeys(empty, "") | {entity_id: str(user_id) for entity_id, user_id in vectors}
