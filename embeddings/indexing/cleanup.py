"""Clean-up: vectors whose entity is gone, or whose entity type nobody registers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from embeddings.capture.registry import registry
from embeddings.exceptions import TooManyOrphans
from embeddings.indexing.plans import load_rows
from embeddings.models import DirtyEntity, Embedding, EmbeddingState

PART = 1000
MOST_SHARE = 0.1
"""A larger share of orphans looks more like an emptied table than like a clean-up."""


@dataclass(frozen=True, kw_only=True)
class Cleanup:
    """`orphaned` entities of `entities` with vectors; `removed` of them were removed."""

    entities: int
    orphaned: int
    removed: int = 0


def cleanup(*, dry_run: bool = False, force: bool = False) -> Cleanup:
    """Removes the orphans' vectors. Raises TooManyOrphans beyond a tenth of all, unless forced."""
    entities = 0
    orphans: list[tuple[str, str]] = []
    for part in _parts():
        entities += len(part)
        alive = load_rows(part)
        owed = {(row.entity_type, row.entity_id) for row in DirtyEntity.objects.filter(entity_id__in=[entity_id for _, entity_id in part])}
        orphans += [entity for entity in part if entity not in owed and not _is_wanted(entity, alive.get(entity))]
    if dry_run or not orphans:
        return Cleanup(entities=entities, orphaned=len(orphans))
    if len(orphans) > max(10, entities * MOST_SHARE) and not force:
        raise TooManyOrphans(f"{len(orphans)} of {entities} entities would be removed, more than a tenth. Are their tables there?")
    for entity_type, entity_id in orphans:
        Embedding.objects.filter(entity_type=entity_type, entity_id=entity_id).delete()
        EmbeddingState.objects.filter(entity_type=entity_type, entity_id=entity_id).update(
            status=EmbeddingState.Status.REMOVED, content_hash="", chunks=0
        )
    return Cleanup(entities=entities, orphaned=len(orphans), removed=len(orphans))


def _is_wanted(entity: tuple[str, str], row: object) -> bool:
    if row is None or entity[0] not in registry:
        return False
    return registry.get(entity[0]).should_embed(row)


def _parts() -> Iterator[list[tuple[str, str]]]:
    """Entities that have vectors, in order, a thousand at a time."""
    entities = Embedding.objects.order_by("entity_type", "entity_id").values_list("entity_type", "entity_id").distinct()
    part: list[tuple[str, str]] = []
    for entity in entities.iterator(chunk_size=PART):
        part.append(entity)
        if len(part) == PART:
            yield part
            part = []
    if part:
        yield part
