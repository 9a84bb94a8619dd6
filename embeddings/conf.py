"""Every setting of this app, with its type and default: read as `from embeddings.conf import settings as embeddings_settings`.

The active row of EmbeddingModel decides which model is used; settings hold credentials and the first model.
"""

from typing import Any

from django.conf import settings as django_settings

PREFIX = "EMBEDDINGS_"


class EmbeddingsSettings:
    """`settings.provider` is Django's EMBEDDINGS_PROVIDER or the default below, looked up anew at every read."""

    databases: tuple[str, ...] = ("default",)
    """Aliases whose rows are embedded. Each has the tables of this app: the index of a row lives in the row's own database."""
    signals: bool = True
    """False: changes are captured by triggers (`manage.py embeddings_triggers install`) and the reconciler alone."""
    sweep_seconds: int = 60
    """How often rows are looked for whose job was lost. Read when Django starts."""
    sweep_age_seconds: float = 120
    """How long a row must have waited for its job, for that job to count as lost."""
    provider: str = "local"
    """The provider of the first model: "openai", "local" or "fake"."""
    model: str = ""
    """The first model's name; empty: the provider's default."""
    dimensions: int = 0
    """The first model's dimensions; 0: what the model has. Needed where the provider does not know the model."""
    requests_in_flight: int = 5
    """Requests to the provider that a bulk-embed job has under way at a time."""
    openai_api_key: str = ""
    """The key for OpenAI, or for the server at EMBEDDINGS_OPENAI_BASE_URL."""
    openai_base_url: str = ""
    """A server that speaks OpenAI's protocol, ending in /v1 mostly; empty: OpenAI itself. From settings only, never from user data."""
    openai_max_inputs: int = 0
    """Texts a request; 0: 2,048 for OpenAI itself, 32 for any other server."""
    openai_max_input_tokens: int = 0
    """Tokens that the model reads of a text; 0: 8,192. For servers whose model reads less; chunks are no longer than that."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return getattr(django_settings, PREFIX + name.upper(), value) if name in EmbeddingsSettings.__annotations__ else value


settings = EmbeddingsSettings()
