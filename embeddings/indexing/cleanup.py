"""Clean-up: vectors whose entity is gone, or whose entity type nobody registers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.capture.changes import owe
from embeddings.capture.registry import registry
from embeddings.exceptions import TooManyOrphans
from embeddings.indexing.indexer import index
from embeddings.indexing.plans import load_rows
from embeddings.models import DirtyEntity, Embedding, EmbeddingModel

PART = 1000
MOST_SHARE = 0.1
"""A larger share of orphans looks more like an emptied table than like a clean-up."""


@dataclass(frozen=True, kw_only=True)
class Cleanup:
    """`orphaned` entities of `entities` with vectors; `removed` of them were removed."""

    entities: int
    orphaned: int
    removed: int = 0


def cleanup(*, using: str = "default", dry_run: bool = False, force: bool = False) -> Cleanup:
    """Removes the orphans' vectors. Raises TooManyOrphans beyond a tenth of all, unless forced."""
    entities = 0
    orphans: list[tuple[str, str]] = []
    for part in _parts(using):
        entities += len(part)
        alive = load_rows(part, using=using)
        owed = {
            (row.entity_type, row.entity_id)
            for row in DirtyEntity.objects.using(using).filter(entity_id__in=[entity_id for _, entity_id in part])
        }
        orphans += [entity for entity in part if entity not in owed and not _is_wanted(entity, alive.get(entity))]
    if dry_run or not orphans:
        return Cleanup(entities=entities, orphaned=len(orphans))
    if len(orphans) > max(10, entities * MOST_SHARE) and not force:
        raise TooManyOrphans(f"{len(orphans)} of {entities} entities would be removed, more than a tenth. Are their tables there?")
    for start in range(0, len(orphans), PART):
        _remove(orphans[start : start + PART], using)
    return Cleanup(entities=entities, orphaned=len(orphans), removed=len(orphans))


def _remove(orphans: list[tuple[str, str]], using: str) -> None:
    """At a version of their own, as any other change: what came back since it was looked at stays, and late workers store nothing."""
    owe(orphans, using=using)
    index(orphans, using=using)
    others = Embedding.objects.using(using).exclude(model=EmbeddingModel.objects.using(using).active())
    for entity_type in {entity_type for entity_type, _ in orphans}:
        others.filter(entity_type=entity_type, entity_id__in=[i for t, i in orphans if t == entity_type]).delete()


def _is_wanted(entity: tuple[str, str], row: object) -> bool:
    if row is None or entity[0] not in registry:
        return False
    return registry.get(entity[0]).is_wanted(row)


def _parts(using: str) -> Iterator[list[tuple[str, str]]]:
    """Entities that have vectors, in order, a thousand at a time."""
    entities = Embedding.objects.using(using).order_by("entity_type", "entity_id").values_list("entity_type", "entity_id").distinct()
    part: list[tuple[str, str]] = []
    for entity in entities.iterator(chunk_size=PART):
        part.append(entity)
        if len(part) == PART:
            yield part
            part = []
    if part:
        yield part
