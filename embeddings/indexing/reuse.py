"""Stored vectors of texts that did not change: one chunk's edit, new metadata or another owner ask the provider nothing about the rest."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections

from embeddings.indexing.plans import Plan
from embeddings.models import EmbeddingModel

# Of this entity and model alone: an equal text of another entity's is another owner's business.
STORED = """
SELECT wanted.plan, wanted.content, stored.embedding::text
FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[]) AS wanted (plan, entity_type, entity_id, content)
JOIN embeddings_embedding AS stored USING (entity_type, entity_id, content)
WHERE stored.model_id = %s
"""


def reuse(plans: Sequence[Plan], model: EmbeddingModel) -> None:
    """Gives the plans the vectors that are stored for their chunks' texts. They hold whatever becomes of the rows that they are from."""
    wanted = [(number, *plan.entity, chunk) for number, plan in enumerate(plans) if plan.may_reuse for chunk in plan.wanted]
    if not wanted:
        return
    with connections[model.database].cursor() as cursor:
        cursor.execute(STORED, [*map(list, zip(*wanted, strict=True)), model.pk])
        for number, chunk, vector in cursor.fetchall():
            plans[number].vectors[chunk] = vector
