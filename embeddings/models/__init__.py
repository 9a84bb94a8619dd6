"""Tables: which models there are, what is owed, what was stored, what was the result."""

from embeddings.models.dirty import DirtyEntity
from embeddings.models.embedding import Embedding, EmbeddingState
from embeddings.models.model import EmbeddingModel

__all__ = ["DirtyEntity", "Embedding", "EmbeddingModel", "EmbeddingState"]
