"""What is to become of each dirty entity, decided by its row as it stands now."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from embeddings.indexing.chunks import split
from embeddings.models import EmbeddingModel, EmbeddingState
from embeddings.owing.changes import Entity
from embeddings.providers import Provider
from embeddings.providers.registry import limit_from_settings
from embeddings.registering.built import build_content, build_metadata
from embeddings.registering.embeddable import Embeddable
from embeddings.registering.registry import registry

Vector = Sequence[float] | str
"""Numbers from a provider, or what is stored as PostgreSQL writes it."""


@dataclass(kw_only=True)
class Plan:
    """The wanted state of one entity at the version that was read. Without chunks its vectors go.

    `vectors` are by the text of their chunk: equal texts need one only, and what is known already none from the provider.
    """

    entity: Entity
    version: int
    status: str = EmbeddingState.Status.REMOVED
    owner_id: Any = None
    content_hash: str = ""
    recipe: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    chunks: list[str] = field(default_factory=list)
    is_unchanged: bool = False
    stored_chunks: int = 0
    vectors: dict[str, Vector] = field(default_factory=dict)
    tokens: int = 0
    may_reuse: bool = False

    @property
    def wanted(self) -> list[str]:
        """The texts whose vectors only the provider has."""
        return [chunk for chunk in dict.fromkeys(self.chunks) if chunk not in self.vectors]


def load_rows(entities: Iterable[Entity], *, using: str) -> dict[Entity, Any]:
    """The rows that exist, one query a type."""
    ids: dict[str, list[str]] = defaultdict(list)
    for entity_type, entity_id in entities:
        ids[entity_type].append(entity_id)
    rows: dict[Entity, Any] = {}
    for entity_type, wanted in ids.items():
        if entity_type in registry:
            embeddable = registry.get(entity_type)
            keys = [key for key in (embeddable.key_of(entity_id) for entity_id in wanted) if key is not None]
            rows |= {(entity_type, str(row.pk)): row for row in embeddable.queryset().using(using).filter(pk__in=keys)}
    return rows


def make_plan(entity: Entity, version: int, row: Any, *, model: EmbeddingModel, provider: Provider, state: EmbeddingState | None) -> Plan:
    """Raises whatever the embeddable's own code raises."""
    plan = Plan(entity=entity, version=version)
    if row is None:
        return plan
    embeddable = registry.get(entity[0])
    plan.owner_id = embeddable.owner_id(row)
    if plan.owner_id is None or not embeddable.should_embed(row):
        return plan
    plan.recipe = recipe_of(embeddable, model)
    text = build_content(embeddable, row)
    if not text:
        plan.status = EmbeddingState.Status.EMPTY
        return plan
    plan.status = EmbeddingState.Status.EMBEDDED
    plan.metadata = build_metadata(embeddable, row)
    plan.content_hash = content_hash(text, plan.metadata, recipe=plan.recipe, model=model)
    if state is not None and state.content_hash == plan.content_hash and state.owner_id == str(plan.owner_id):
        plan.is_unchanged = True
        plan.stored_chunks = state.chunks
        plan.tokens = state.tokens
        return plan
    plan.chunks = split(text, embeddable.chunking, max_tokens=provider.max_input_tokens, count_tokens=provider.estimate_tokens)
    plan.tokens = sum(map(provider.estimate_tokens, plan.chunks))
    plan.may_reuse = state is not None and bool(state.content_hash)  # empty: what is stored is not to be trusted
    return plan


def recipe_of(embeddable: Embeddable, model: EmbeddingModel) -> str:
    """What beside the row and the model the stored content depends on: an entity with another one is stale."""
    limit = limit_from_settings(model.provider)
    is_lower = 0 < limit < embeddable.chunking.max_tokens
    return f"{model.content_version}.{embeddable.recipe}{f' within {limit}' if is_lower else ''}"


def content_hash(text: str, metadata: dict[str, Any], *, recipe: str, model: EmbeddingModel) -> str:
    """SHA-256, hex, over all that the stored rows depend on."""
    parts = [model.pk, recipe, text, json.dumps(metadata, sort_keys=True)]
    return hashlib.sha256("\x00".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()
