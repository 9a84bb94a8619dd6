"""Asking a provider for next to nothing: whoever answers this serves others too."""

from __future__ import annotations

from embeddings.exceptions import InvalidInput, ProviderMisconfigured
from embeddings.providers.base import EmbeddingBatch, Provider
from embeddings.providers.gate import Gate

TEXT = "probe"
SECONDS = 10.0


def ask_for_little(provider: Provider) -> EmbeddingBatch:
    """Raises ProviderError, ProviderMisconfigured too where even this text is refused."""
    try:
        return provider.embed_documents([TEXT], deadline_seconds=SECONDS, attempts=1)
    except InvalidInput as error:
        raise ProviderMisconfigured(f"{provider.name} refuses every text: {error}") from error


def probe(provider: Provider) -> EmbeddingBatch | None:
    """Ends the provider's trouble if its pause is over and it serves again. None where nothing had to be asked.

    Raises ProviderError.
    """
    gate = Gate(provider)
    if not gate.state.is_in_trouble:
        return None
    with gate.passage(seconds=SECONDS):
        return ask_for_little(provider)
