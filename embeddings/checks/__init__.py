"""System checks: each with its id, the cause and the cure."""

from embeddings.checks.database import check_pgvector, check_triggers
from embeddings.checks.embeddables import check_embeddables
from embeddings.checks.provider import check_circuits, check_local_model, check_provider
from embeddings.checks.settings import check_settings

__all__ = [
    "check_circuits",
    "check_embeddables",
    "check_local_model",
    "check_pgvector",
    "check_provider",
    "check_settings",
    "check_triggers",
]
