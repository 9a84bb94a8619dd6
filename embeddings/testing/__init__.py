"""Helpers for tests of projects that use `embeddings`; as pytest fixtures in `embeddings.testing.fixtures`.

A server that speaks OpenAI's protocol on loopback is in `embeddings.testing.openai_server`. Importing this package imports no models.
"""

from embeddings.testing.captured import captured_changes
from embeddings.testing.faked import fake_provider
from embeddings.testing.pending import run_pending

__all__ = ["captured_changes", "fake_provider", "run_pending"]
