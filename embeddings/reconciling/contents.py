"""Rows against the index by content: each is loaded, built and hashed as a worker would, and nothing is sent or written."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from embeddings.indexing.plans import Plan, make_plan
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingState
from embeddings.providers import Provider
from embeddings.reconciling.window import Finding, Window
from embeddings.registering.embeddable import Embeddable, owner_text

log = logging.getLogger("embeddings")


def look(embeddable: Embeddable, model: EmbeddingModel, *, after: str = "", limit: int) -> Window:
    """Compares `limit` rows behind the key `after`. A row whose content cannot be built is counted as failing and logged.

    Raises ProviderError where the model's provider cannot even count tokens.
    """
    provider = model.get_provider()
    rows = embeddable.queryset().using(model.database).order_by("pk")
    if after:
        rows = rows.filter(pk__gt=embeddable.model._meta.pk.to_python(after))
    objects = list(rows[:limit])
    ids = [str(obj.pk) for obj in objects]
    states = {state.entity_id: state for state in _of(EmbeddingState, embeddable, ids, model).filter(model=model)}
    owed = set(
        _of(DirtyEntity, embeddable, ids, model).values_list("entity_id", flat=True)
    )  # last: saved meanwhile is owed, or marked again
    kinds = [
        "owed" if entity_id in owed else _compare(embeddable, obj, entity_id, states.get(entity_id), model, provider)
        for entity_id, obj in zip(ids, objects, strict=True)
    ]
    found = [
        Finding(kind="differing", entity_id=entity_id, rank=rank)
        for rank, (kind, entity_id) in enumerate(zip(kinds, ids, strict=True), start=1)
        if kind == "differing"
    ]
    return Window(looked_at=len(ids), last=ids[-1] if ids else "", is_end=len(ids) < limit, counts=Counter(kinds), found=found)


def _of(table: Any, embeddable: Embeddable, ids: list[str], model: EmbeddingModel) -> Any:
    return table.objects.using(model.database).filter(entity_type=embeddable.entity_type, entity_id__in=ids)


def _compare(
    embeddable: Embeddable, obj: Any, entity_id: str, state: EmbeddingState | None, model: EmbeddingModel, provider: Provider
) -> str:
    entity = (embeddable.entity_type, entity_id)
    try:
        plan = make_plan(entity, 0, obj, model=model, provider=provider, state=state)
    except Exception:
        log.exception("The content of %s %s could not be built, so that it was not compared", *entity)
        return "failing"
    return "right" if _is_in_step(plan, state) else "differing"


def _is_in_step(plan: Plan, state: EmbeddingState | None) -> bool:
    if state is None:
        return plan.owner_id is None
    if plan.status != state.status:
        return False
    if plan.status == EmbeddingState.Status.EMBEDDED:
        return plan.is_unchanged
    return state.owner_id == owner_text(plan.owner_id)
