"""What has to be embedded: compares keys, owners, recipes and numbers of chunks, a thousand rows at a time. Nothing is built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from embeddings.backfill.selection import Key, Selection, Target, keys_in_parts
from embeddings.indexing.plans import recipe_of
from embeddings.models import DirtyEntity, Embedding, EmbeddingState

Status = EmbeddingState.Status


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An entity to be embedded. `is_owed`: a job for it is on its way, and it needs no other. `is_trusted`: stored vectors may count
    for equal content; not where all is embedded again, or where some of them vanished."""

    entity_id: str
    owner_id: str
    is_owed: bool = False
    is_trusted: bool = True


def candidates(target: Target, selection: Selection, *, force: bool = False) -> Iterator[list[Candidate]]:
    """The selected rows that are missing or stale, all of them with `force`. A part for every thousand rows, maybe empty."""
    for part in keys_in_parts(selection.rows(target), target.embeddable):
        if force:
            yield [Candidate(entity_id=str(pk), owner_id=owner, is_trusted=False) for pk, owner in part]
        else:
            yield _out_of_step(target, part)


def _out_of_step(target: Target, part: Sequence[Key]) -> list[Candidate]:
    """What is owed already; what is parked; and what its state and its vectors are not right for."""
    index = _Index(target, [str(pk) for pk, _ in part])
    doubtful = [(pk, owner) for pk, owner in part if str(pk) not in index.parked and not index.is_right(str(pk), owner)]
    absent = [(pk, owner) for pk, owner in doubtful if index.is_absent(str(pk))]
    left_out = {str(pk) for pk, _ in absent} - _wanted(target, absent)
    wrong = {str(pk) for pk, _ in doubtful} - left_out
    return [
        Candidate(entity_id=str(pk), owner_id=owner, is_owed=index.parked.get(str(pk)) is False, is_trusted=index.is_whole(str(pk)))
        for pk, owner in part
        if str(pk) in index.parked or str(pk) in wrong
    ]


def _wanted(target: Target, keys: Sequence[Key]) -> set[str]:
    """Those of the rows without vectors that should have some: only the rows themselves can tell."""
    ids = [pk for pk, owner in keys if owner]
    if not ids:
        return set()
    rows = target.embeddable.queryset().using(target.using).filter(pk__in=ids)
    return {str(row.pk) for row in rows if target.embeddable.is_wanted(row)}


class _Index:
    """What is stored and owed for these entities."""

    def __init__(self, target: Target, ids: list[str]) -> None:
        of_part: dict[str, Any] = {"entity_type": target.entity_type, "entity_id__in": ids}
        using = target.using
        dirty = DirtyEntity.objects.using(using).filter(**of_part).values_list("entity_id", "parked_reason")
        self.parked = {entity_id: reason != "" for entity_id, reason in dirty}
        """By id, of what is owed: whether it is parked, so that only a new start serves it."""
        states = EmbeddingState.objects.using(using).filter(**of_part, model=target.model)
        self.states = {entity_id: rest for entity_id, *rest in states.values_list("entity_id", "status", "recipe", "owner_id", "chunks")}
        vectors = Embedding.objects.using(using).filter(**of_part, model=target.model).values("entity_id", "user_id").order_by()
        self.chunks: dict[str, dict[str, int]] = {}
        for row in vectors.annotate(chunks=Count("pk")):
            self.chunks.setdefault(row["entity_id"], {})[str(row["user_id"])] = row["chunks"]
        self.recipe = recipe_of(target.embeddable, target.model)

    def is_right(self, entity_id: str, owner: str) -> bool:
        """Whether all that can be told without the row is as it should be."""
        if entity_id not in self.states:
            return False
        status, recipe, owner_id, chunks = self.states[entity_id]
        stored = self.chunks.get(entity_id, {})
        if status == Status.EMBEDDED:
            return recipe == self.recipe and owner_id == owner and stored == {owner: chunks}
        return status == Status.EMPTY and recipe == self.recipe and not stored

    def is_absent(self, entity_id: str) -> bool:
        """Whether it has no vectors, and nothing says that it should have some."""
        return entity_id not in self.chunks and (entity_id not in self.states or self.states[entity_id][0] == Status.REMOVED)

    def is_whole(self, entity_id: str) -> bool:
        """Whether there are as many vectors as the state says, whoever's they are."""
        return entity_id in self.states and sum(self.chunks.get(entity_id, {}).values()) == self.states[entity_id][3]
