"""OpenAI, and every server that speaks its protocol."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import openai
from openai.types import CreateEmbeddingResponse

from embeddings.conf import settings as embeddings_settings
from embeddings.exceptions import ProviderFault, ProviderMisconfigured
from embeddings.providers.base import EmbeddingBatch, Provider
from embeddings.providers.openai_errors import translated_errors
from embeddings.providers.openai_models import DEFAULT_MODEL, MAX_INPUT_TOKENS, find_dimensions, find_price, must_ask_for

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 5.0
OTHER_SERVERS_MAX_INPUTS = 32
"""What the smallest servers in use take by default."""


class OpenAIProvider(Provider):
    """The official client without its own retries: it would wait where the job should rather be put back."""

    name = "openai"
    default_min_similarity = 0.5
    max_tokens = 250_000  # OpenAI refuses more than 300,000, by its own estimate
    max_attempts = 4

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str = "",
        model: str = DEFAULT_MODEL,
        dimensions: int = 0,
        max_inputs: int = 0,
        max_input_tokens: int = 0,
        backoff_seconds: float = 1.0,
    ) -> None:
        if base_url and not base_url.startswith(("http://", "https://")):
            raise ProviderMisconfigured(f"EMBEDDINGS_OPENAI_BASE_URL is {base_url!r}, it must begin with http:// or https://.")
        if not api_key.strip() and not base_url:
            raise ProviderMisconfigured("EMBEDDINGS_OPENAI_API_KEY is not set.")
        self.model = model
        self.dimensions = find_dimensions(model, dimensions)
        self.max_inputs = max_inputs or (OTHER_SERVERS_MAX_INPUTS if base_url else 2048)
        self.max_input_tokens = max_input_tokens or MAX_INPUT_TOKENS
        self.backoff_seconds = backoff_seconds
        self.dollars_per_million_tokens = None if base_url else find_price(model)
        self._options: dict[str, Any] = {"dimensions": self.dimensions} if must_ask_for(model, self.dimensions) else {}
        if base_url:
            self._options["encoding_format"] = "float"  # the client's own default, base64, is not known to all servers
        self._client = openai.OpenAI(
            # A server without keys ignores this one, the client insists on it.
            api_key=api_key.strip() or "none",
            base_url=base_url or OPENAI_URL,
            max_retries=0,
        )

    @classmethod
    def build(cls, *, model: str = "", dimensions: int = 0) -> OpenAIProvider:
        return cls(
            api_key=embeddings_settings.openai_api_key,
            base_url=embeddings_settings.openai_base_url,
            model=model or DEFAULT_MODEL,
            dimensions=dimensions,
            max_inputs=embeddings_settings.openai_max_inputs,
            max_input_tokens=embeddings_settings.openai_max_input_tokens,
        )

    @classmethod
    def credentials(cls) -> tuple[Hashable, ...]:
        settings = embeddings_settings
        return (settings.openai_api_key, settings.openai_base_url, settings.openai_max_inputs, settings.openai_max_input_tokens)

    @classmethod
    def limit_from_settings(cls) -> int:
        return int(embeddings_settings.openai_max_input_tokens)

    def _embed(self, texts: Sequence[str], *, deadline_seconds: float) -> EmbeddingBatch:
        timeout = openai.Timeout(deadline_seconds, connect=min(CONNECT_SECONDS, deadline_seconds))
        with translated_errors(self._client.api_key):
            response = self._client.embeddings.create(input=list(texts), model=self.model, timeout=timeout, **self._options)
            return self._read(response, count=len(texts))

    def _read(self, response: CreateEmbeddingResponse, *, count: int) -> EmbeddingBatch:
        """Vectors by their index, which alone says to which text each belongs."""
        tokens = response.usage.prompt_tokens if response.usage else 0
        by_index = {item.index: item.embedding for item in response.data}
        if len(response.data) != count or set(by_index) != set(range(count)):
            raise ProviderFault(f"The answer has vectors {sorted(by_index, key=str)[:10]} for {count} texts.", tokens=tokens)
        return EmbeddingBatch(vectors=[by_index[index] for index in range(count)], tokens=tokens)
