"""How a look at a window is executed where the planner's statistics know nothing of the entity type."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from embeddings.models import DirtyEntity, EmbeddingModel
from embeddings.reconciling import keys, orphans
from embeddings.registering.registry import registry
from tests.testapp.models import Note

pytestmark = pytest.mark.django_db

ROWS = 2000

VECTORS = """
INSERT INTO embeddings_embedding (user_id, model_id, entity_type, entity_id, chunk_index, content, metadata, embedding)
SELECT %s, %s, %s, key, 0, 'x', '{}', array_fill(1, ARRAY[%s])::vector::halfvec FROM unnest(%s::text[]) AS rows (key)
"""
STATES = """
INSERT INTO embeddings_embeddingstate
    (entity_type, entity_id, model_id, owner_id, version, status, content_hash, recipe, chunks, tokens, updated_at, error_class, error)
SELECT %s, key, %s, '', 0, 'embedded', '', '', 1, 0, now(), '', '' FROM unnest(%s::text[]) AS rows (key)
"""
OWED = """
INSERT INTO embeddings_dirtyentity (entity_type, entity_id, version, dirtied_at, enqueued_at, parked_reason)
SELECT %s, key, 0, now(), now(), '' FROM unnest(%s::text[]) AS rows (key)
"""


@pytest.fixture
def model() -> EmbeddingModel:
    return EmbeddingModel.objects.active()


def fill(entity_type: str, ids: list[str], owner: User, model: EmbeddingModel) -> None:
    with connection.cursor() as cursor:
        cursor.execute(VECTORS, [owner.pk, model.pk, entity_type, model.dimensions, ids])
        cursor.execute(STATES, [entity_type, model.pk, ids])
        cursor.execute(OWED, [entity_type, ids])


def rejected_pairs(look: Callable[[], Any]) -> int:
    """How many pairs of rows the joins of its statement compare in vain."""
    found: list[int] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params, many, context)
        plan = context["cursor"].fetchone()[0]

        plan = json.loads(plan) if isinstance(plan, str) else plan
        found.extend(node.get("Rows Removed by Join Filter", 0) * node["Actual Loops"] for node in nodes(plan[0]["Plan"]))
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '60s'")
    with connection.execute_wrapper(explain):
        look()
    assert found
    return int(sum(found))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


@pytest.mark.parametrize("kind", ["keys", "orphans", "orphans of any model"])
def test_a_window_of_a_type_that_statistics_do_not_know_is_looked_up_row_by_row(kind: str, ann: User, model: EmbeddingModel) -> None:
    fill("document", [f"d{number}" for number in range(ROWS)], ann, model)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE embeddings_embedding, embeddings_embeddingstate, embeddings_dirtyentity, testapp_note")
    notes = Note.objects.bulk_create([Note(author=ann, title=str(number)) for number in range(ROWS)])
    fill("note", [str(note.pk) for note in notes], ann, model)
    looks: dict[str, Callable[[], Any]] = {
        "keys": lambda: keys.look(registry.get("note"), model, limit=ROWS, most=10),
        "orphans": lambda: orphans.look("note", "default", model=model, limit=ROWS, most=10),
        "orphans of any model": lambda: orphans.look("note", "default", model=None, limit=ROWS, most=10),
    }
    assert rejected_pairs(looks[kind]) < 10 * ROWS
    assert DirtyEntity.objects.filter(entity_type="note").count() == ROWS
