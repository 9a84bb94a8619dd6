"""What the index should hold and what it holds, read straight from the tables: no reconciler, indexer or search is asked.

Only what the application itself says is used: `content`, `should_embed`, `owner` and `metadata` of its embeddables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from embeddings.models import DirtyEntity, Embedding, EmbeddingState, FanOut
from embeddings.providers.fake import embed
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import registry

Entity = tuple[str, str]
LEAST_COSINE = 0.999
"""Half precision and five digits cost less."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A row to embed, by its owner and its content; without content it has no vectors."""

    owner_id: str
    content: str
    metadata: dict[str, Any]


def assert_index_is_right() -> None:
    """Invariants I1 to I4 where all is served: nothing is owed, and what is stored is what the rows say, no more and no less."""
    with snapshot():
        owed = [str(row) for row in (*DirtyEntity.objects.all(), *FanOut.objects.all())]
        problems, versions = wrong(), impossible_versions()
    assert not owed, owed
    assert not problems, problems
    assert not versions, versions


def lost() -> dict[Entity, str]:
    """Invariant I1 at any moment: what is wrong and not owed, with what is wrong about it."""
    with snapshot():
        owed = owed_entities()
        return {entity: problem for entity, problem in wrong().items() if entity not in owed}


@contextmanager
def snapshot() -> Iterator[None]:
    """All that is read within it is of one moment."""
    with transaction.atomic():
        connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def wrong() -> dict[Entity, str]:
    """What is wrong with each entity that is not right."""
    rows, states, vectors = wanted(), stored_states(), stored_vectors()
    found = {entity: _problem(rows.get(entity), states.get(entity), vectors.get(entity, [])) for entity in {*rows, *states, *vectors}}
    return {entity: problem for entity, problem in found.items() if problem}


def wanted() -> dict[Entity, Wanted]:
    return {
        (embeddable.entity_type, str(obj.pk)): Wanted(
            owner_id=str(embeddable.owner_id(obj)), content=embeddable.content(obj).strip(), metadata=embeddable.metadata(obj)
        )
        for embeddable in registry
        for obj in embeddable.queryset()
        if embeddable.owner_id(obj) is not None and embeddable.should_embed(obj)
    }


def stored_states() -> dict[Entity, EmbeddingState]:
    return {(state.entity_type, state.entity_id): state for state in EmbeddingState.objects.all()}


def stored_vectors() -> dict[Entity, list[Embedding]]:
    """Of every model: there is one in these tests, and a second one's vectors would be too many."""
    found: dict[Entity, list[Embedding]] = defaultdict(list)
    for row in Embedding.objects.select_related("model").order_by("chunk_index", "pk"):
        found[row.entity_type, row.entity_id].append(row)
    return found


def owed_entities() -> set[Entity]:
    """Entities with a dirty row, parked or not, and those that a fan-out row stands for."""
    owed = set(DirtyEntity.objects.values_list("entity_type", "entity_id"))
    for row in FanOut.objects.all():
        owed |= _dependants(registry.get(row.entity_type), row)
    return owed


def impossible_versions() -> list[str]:
    """Invariant I3: one sequence gave every version, so none is twice and none is newer than its last."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM embeddings_version_seq")
        last = cursor.fetchone()[0]
    owed = list(DirtyEntity.objects.values_list("version", flat=True))
    served = list(EmbeddingState.objects.values_list("version", flat=True))
    return [f"{version} of {last}" for version in (*owed, *served) if version > last] + (
        ["versions twice"] if len(set(owed)) < len(owed) or len(set(served)) < len(served) else []
    )


def _dependants(embeddable: Embeddable, row: FanOut) -> set[Entity]:
    keys = embeddable.model._base_manager.filter(**{row.path: row.related_id}).values_list("pk", flat=True)
    return {(row.entity_type, str(key)) for key in keys}


def _problem(row: Wanted | None, state: EmbeddingState | None, vectors: list[Embedding]) -> str:
    if row is None or not row.content:
        if vectors:
            return f"{len(vectors)} vectors are stored of what is gone, hidden or empty"
        return "the state says that it is embedded" if state is not None and state.status == EmbeddingState.Status.EMBEDDED else ""
    if not vectors:
        return "it has no vectors"
    if owners := {str(vector.user_id) for vector in vectors} - {row.owner_id}:
        return f"it is stored for {owners}, and owned by {row.owner_id}"
    if not _are_chunks([vector.content for vector in vectors], row.content):
        return f"{[vector.content[:100] for vector in vectors]} is stored, and its content is {row.content[:100]!r}"
    if [vector.chunk_index for vector in vectors] != list(range(len(vectors))):
        return f"it has chunks {[vector.chunk_index for vector in vectors]}"
    if any(vector.metadata != row.metadata for vector in vectors):
        return f"its metadata is not {row.metadata}"
    if any(_cosine(vector) < LEAST_COSINE for vector in vectors):
        return "a vector is not that of its content"
    return _problem_of_state(state, row, vectors)


def _problem_of_state(state: EmbeddingState | None, row: Wanted, vectors: list[Embedding]) -> str:
    if state is None:
        return "it has vectors and no state"
    if (state.status, state.owner_id, state.chunks) != (EmbeddingState.Status.EMBEDDED, row.owner_id, len(vectors)):
        return f"its state is {state.status} for {state.owner_id} with {state.chunks} chunks, its vectors are {len(vectors)}"
    return f"its state keeps the error {state.error}" if state.error_class else ""


def _are_chunks(chunks: list[str], content: str) -> bool:
    """Whether these are the content, cut where there is white space, each piece beginning at the latest where the one before ends."""
    if len(chunks) == 1:
        return chunks[0] == content
    text, end = "".join(content.split()), 0
    for chunk in ("".join(chunk.split()) for chunk in chunks):
        start = text.rfind(chunk, 0, end + len(chunk))
        if start < 0 or start > end:
            return False
        end = start + len(chunk)
    return end == len(text)


def _cosine(vector: Embedding) -> float:
    values = [float(value) for value in vector.embedding.to_list()] if hasattr(vector.embedding, "to_list") else list(vector.embedding)
    return sum(a * b for a, b in zip(values, embed(vector.content, dimensions=vector.model.dimensions), strict=True))
