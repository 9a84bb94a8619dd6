"""Tables: which models there are, what is owed, what was stored, what was the result, what it cost."""

from embeddings.models.coverage import Coverage
from embeddings.models.dirty import DirtyEntity
from embeddings.models.embedding import Embedding, EmbeddingState
from embeddings.models.fan_out import FanOut
from embeddings.models.model import EmbeddingModel
from embeddings.models.progress import SyncProgress
from embeddings.models.usage import EmbeddingUsage

__all__ = ["Coverage", "DirtyEntity", "Embedding", "EmbeddingModel", "EmbeddingState", "EmbeddingUsage", "FanOut", "SyncProgress"]
