from collections.abc import Iterator

import pytest

from embeddings.providers.openai import OpenAIProvider
from embeddings.testing.openai_server import OpenAIServer


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
def openai_provider(server: OpenAIServer) -> OpenAIProvider:
    return OpenAIProvider(api_key=server.api_key, base_url=server.base_url, backoff_seconds=0.01)
