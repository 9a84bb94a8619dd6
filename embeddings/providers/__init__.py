"""Where vectors come from."""

from embeddings.providers.base import EmbeddingBatch, Provider
from embeddings.providers.registry import PROVIDERS, ModelKey, first_model, get_provider
from embeddings.providers.state import ProviderState

__all__ = ["EmbeddingBatch", "Provider", "ProviderState", "PROVIDERS", "ModelKey", "first_model", "get_provider"]
