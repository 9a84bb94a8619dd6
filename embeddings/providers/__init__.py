"""Where vectors come from."""

from embeddings.providers.base import EmbeddingBatch, Provider
from embeddings.providers.registry import PROVIDERS, ModelKey, first_model, get_provider

__all__ = ["EmbeddingBatch", "Provider", "PROVIDERS", "ModelKey", "first_model", "get_provider"]
