"""Failures that are an entity's own, recorded where they survive the rollback of whatever failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import connections

from embeddings.models import EmbeddingModel
from embeddings.owing.changes import Entity
from embeddings.storable import storable

MAX_ERROR_CHARACTERS = 2000

# Version 0 where nothing was stored yet: the state has reached no version, so any success takes it.
RECORD = """
INSERT INTO embeddings_embeddingstate AS state
    (entity_type, entity_id, model_id, owner_id, version, status, content_hash, recipe, chunks, tokens, updated_at,
     error_class, error, failed_at)
VALUES (%s, %s, %s, '', 0, 'failed', '', '', 0, 0, now(), %s, %s, now())
ON CONFLICT (entity_type, entity_id, model_id) DO UPDATE SET
    error_class = excluded.error_class, error = excluded.error, failed_at = excluded.failed_at
WHERE state.version < %s
"""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An entity's own error, at the version that was tried."""

    error: BaseException
    version: int

    @property
    def error_class(self) -> str:
        return type(self.error).__name__[:100]

    @property
    def message(self) -> str:
        """The error's text as it can be stored."""
        try:
            text = str(self.error)
        except Exception as unprintable:
            text = f"its text cannot be printed ({type(unprintable).__name__})"
        return storable(text)[:MAX_ERROR_CHARACTERS]

    def __str__(self) -> str:
        return f"{self.error_class}: {self.message}"


Failures = dict[Entity, Failure]


def record_failures(failures: Mapping[Entity, Failure], model: EmbeddingModel) -> None:
    """Notes each in its entity's state, in a transaction of its own, unless the state has reached that version meanwhile.

    What is stored stays; the next success or removal clears the note.
    """
    with connections[model.database].cursor() as cursor:
        for (entity_type, entity_id), failure in failures.items():
            cursor.execute(RECORD, [entity_type, entity_id, model.pk, failure.error_class, failure.message, failure.version])
