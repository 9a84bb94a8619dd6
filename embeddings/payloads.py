"""The payloads of this app's jobs: ids and hints."""

from __future__ import annotations

from typing import Annotated

from django.db import DEFAULT_DB_ALIAS
from pydantic import AfterValidator, BaseModel, StringConstraints

from embeddings.conf import settings
from embeddings.names import Operation

NO_NUL = r"^[^\x00]*$"


def known_database(alias: str) -> str:
    """The alias itself. Raises ValueError for one that EMBEDDINGS_DATABASES leaves out."""
    if alias not in settings.databases:
        raise ValueError(f"embeddings are kept in {', '.join(settings.databases)} (EMBEDDINGS_DATABASES), not in {alias!r}")
    return alias


EntityType = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
EntityId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=NO_NUL)]
Database = Annotated[str, AfterValidator(known_database)]


class EmbeddingJobData(BaseModel):
    """One entity. `user_id` and `operation` tell people what happened; they decide nothing. `version` is that of the dirty row
    when this was enqueued, 0 where it is not known."""

    user_id: int | str
    entity_type: EntityType
    entity_id: EntityId
    operation: Operation = "update"
    version: int = 0
    database: Database = DEFAULT_DB_ALIAS


class BulkEmbedJobData(BaseModel):
    """Entities of one type. `is_owed`: they were owed before this was enqueued, so that what is clean by now has been served."""

    user_id: int | str
    entity_type: EntityType
    entity_ids: list[EntityId]
    is_owed: bool = False
    database: Database = DEFAULT_DB_ALIAS


class FanOutJobData(BaseModel):
    """A row on which others depend has changed: see FanOut. With a `transaction_id`: all of that transaction's."""

    entity_type: EntityType
    path: Annotated[str, StringConstraints(max_length=255, pattern=NO_NUL)] = ""
    related_id: Annotated[str, StringConstraints(max_length=255, pattern=NO_NUL)] = ""
    transaction_id: int = 0
    version: int = 0
    database: Database = DEFAULT_DB_ALIAS
