"""Clean-up: what is stored of entities that are gone, of types that nobody registers, and vectors that no state has."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from embeddings.exceptions import ProviderError
from embeddings.indexing.indexer import index
from embeddings.models import Embedding, EmbeddingModel, EmbeddingState, FanOut
from embeddings.owing.dirty import owe
from embeddings.reconciling import orphans
from embeddings.reconciling.window import windows
from embeddings.registering.registry import registry

log = logging.getLogger("embeddings")

PART = 1000
MOST_SHARE = 0.1
"""A larger share of orphans looks more like an emptied table than like a clean-up."""
ALWAYS = 10
"""So few are removed whatever their share."""


@dataclass(frozen=True, kw_only=True)
class Cleanup:
    """Of one entity type: `orphaned` of `entities` that have vectors or a living state; `removed` of them were removed.

    `is_refused`: so many would go that something else may be wrong, and none went.
    """

    entity_type: str
    database: str
    is_registered: bool
    entities: int
    orphaned: int
    removed: int = 0
    is_refused: bool = False


def cleanup(
    *, using: str = "default", dry_run: bool = False, force: bool = False, entity_types: Collection[str] | None = None
) -> list[Cleanup]:
    """Removes the orphans of every type, or of these; but of a type none if they are more than a tenth of it, unless forced.

    Raises NotRegistered for a type that is neither registered nor stored.
    """
    stored = orphans.stored_types(using)
    for entity_type in set(entity_types or ()) - stored:
        registry.get(entity_type)
    chosen = stored if entity_types is None else stored.intersection(entity_types)
    return [_clean(entity_type, using, dry_run=dry_run, force=force) for entity_type in sorted(chosen)]


def _clean(entity_type: str, using: str, *, dry_run: bool, force: bool) -> Cleanup:
    counts = orphans.count(entity_type, using, model=None)
    entities = counts.total() - counts["gone"]
    orphaned = counts["orphaned"] + counts["stray"]
    is_refused = orphaned > max(ALWAYS, entities * MOST_SHARE) and not force
    removed = 0 if dry_run or is_refused else sum(_remove(entity_type, ids, using) for ids in _parts(entity_type, using))
    if not dry_run and not is_refused and entity_type not in registry:  # a retry would park them again, for ever
        FanOut.objects.using(using).parked().filter(entity_type=entity_type).delete()
    return Cleanup(
        entity_type=entity_type,
        database=using,
        is_registered=entity_type in registry,
        entities=entities,
        orphaned=orphaned,
        removed=removed,
        is_refused=is_refused,
    )


def _parts(entity_type: str, using: str) -> Iterator[list[str]]:
    """Ids of orphans, at most a thousand at a time, each looked for after the ones before were removed."""
    for window in windows(
        lambda after: orphans.look(entity_type, using, model=None, after=after, limit=50 * PART, most=PART + 1).cut(PART)
    ):
        if window.found:
            yield [finding.entity_id for finding in window.found]


def _remove(entity_type: str, ids: list[str], using: str) -> int:
    """At a version of their own, as any other change: what came back since it was looked at stays, and late workers store nothing."""
    entities = [(entity_type, entity_id) for entity_id in ids]
    owe(entities, using=using)
    try:
        index(entities, using=using)
    except ProviderError as error:  # for what came back; its work is owed
        log.warning("Of %d entities to clean up some came back and could not be embedded: %s", len(ids), error)
    return _remove_of_other_models(entity_type, ids, using)


def _remove_of_other_models(entity_type: str, ids: list[str], using: str) -> int:
    """Of those that the active model has removed by now. Returns how many these are."""
    active = EmbeddingModel.objects.using(using).active()
    states = EmbeddingState.objects.using(using).filter(entity_type=entity_type, entity_id__in=ids)
    removed = states.filter(model=active, status=EmbeddingState.Status.REMOVED)
    gone = list(removed.values_list("entity_id", flat=True))
    vectors = Embedding.objects.using(using).filter(entity_type=entity_type, entity_id__in=gone)
    vectors.exclude(model=active).delete()
    others = states.filter(entity_id__in=gone).exclude(model=active)
    others.update(status=EmbeddingState.Status.REMOVED, content_hash="", recipe="", chunks=0, tokens=0)
    return len(gone)
