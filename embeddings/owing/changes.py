"""What has changed: an entity, or a row on which entities depend."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from django.db.models import Model

from embeddings.names import EXPAND_FAN_OUT, GENERATE_EMBEDDING, Operation
from embeddings.registering.embeddable import Embeddable, owner_text

PART = 1000
"""Entities a bulk job, and rows a statement."""

Entity = tuple[str, str]
"""Entity type and id."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A changed entity. `owner_id` and `operation` are hints for whoever reads the queue; the row decides.

    `version` is that of its dirty row: a job that dies parks no newer one.
    """

    entity_type: str
    entity_id: str
    owner_id: str = ""
    operation: Operation = "update"
    version: int = 0
    in_bulk: bool = False
    """It leaves in a bulk job, however few they are."""

    job_name: ClassVar[str] = GENERATE_EMBEDDING

    @property
    def key(self) -> Hashable:
        return self.entity

    @property
    def entity(self) -> Entity:
        return self.entity_type, self.entity_id

    def dedupe_key(self, using: str) -> str:
        """One waiting job per entity."""
        return f"{using}:{self.entity_type}:{self.entity_id}"

    def payload(self, using: str) -> dict[str, Any]:
        """As EmbeddingJobData."""
        return {
            "user_id": self.owner_id,
            "entity_type": self.entity_type,
            "entity_id": self.entity_id,
            "operation": self.operation,
            "version": self.version,
            "database": using,
        }


@dataclass(frozen=True, kw_only=True)
class RelatedChange:
    """A fan-out row, or with a `transaction_id` all of that transaction: see FanOut. `version` is the row's, or the latest."""

    entity_type: str
    path: str = ""
    related_id: str = ""
    transaction_id: int = 0
    version: int = 0

    job_name: ClassVar[str] = EXPAND_FAN_OUT

    @property
    def key(self) -> Hashable:
        return self.entity_type, self.path, self.related_id, self.transaction_id

    def dedupe_key(self, using: str) -> str:
        """One waiting job per fan-out row, or per transaction."""
        return f"fan-out:{using}:{self.entity_type}:{self.path}:{self.related_id}:{self.transaction_id}"

    def payload(self, using: str) -> dict[str, Any]:
        """As FanOutJobData."""
        return {**asdict(self), "database": using}


def change_of(embeddable: Embeddable, obj: Model, operation: Operation = "update") -> Change:
    owner_id = owner_text(embeddable.owner_id(obj))
    return Change(entity_type=embeddable.entity_type, entity_id=str(obj.pk), owner_id=owner_id, operation=operation)
