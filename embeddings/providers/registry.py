"""Providers by name, one shared instance for each model."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from typing import NamedTuple

from django.utils.module_loading import import_string

from embeddings.conf import settings as embeddings_settings
from embeddings.exceptions import UnknownProvider
from embeddings.providers.base import Provider

PROVIDERS = {
    "openai": "embeddings.providers.openai.OpenAIProvider",
    "local": "embeddings.providers.local.LocalProvider",
    "fake": "embeddings.providers.fake.FakeProvider",
}
"""Dotted paths, because importing a provider's library takes up to a second and may not be possible."""

_instances: dict[tuple[Hashable, ...], Provider] = {}
_lock = threading.Lock()


class ModelKey(NamedTuple):
    """What tells vectors of one space from those of another."""

    provider: str
    model: str
    dimensions: int


def get_provider(name: str, *, model: str = "", dimensions: int = 0) -> Provider:
    """The shared provider; raises UnknownProvider, ProviderMisconfigured. Neither loads a model nor opens a connection."""
    if name not in PROVIDERS:
        raise UnknownProvider(name, list(PROVIDERS))
    provider_class: type[Provider] = import_string(PROVIDERS[name])
    key = (name, model, dimensions, *provider_class.credentials())
    with _lock:
        if key not in _instances:
            built = provider_class.build(model=model, dimensions=dimensions)
            # A default and its explicit spelling are one model, so they share one instance.
            full_key = (name, built.model, built.dimensions, *provider_class.credentials())
            _instances[key] = _instances.setdefault(full_key, built)
        return _instances[key]


def limit_from_settings(name: str) -> int:
    """The tokens of a text that the settings allow a provider's models; 0: as many as each model reads."""
    if name not in PROVIDERS:
        return 0
    provider_class: type[Provider] = import_string(PROVIDERS[name])
    return provider_class.limit_from_settings()


def first_model() -> ModelKey:
    """The model that the settings name, for an installation that has none yet; raises ProviderMisconfigured."""
    provider = get_provider(embeddings_settings.provider, model=embeddings_settings.model, dimensions=embeddings_settings.dimensions)
    return ModelKey(provider=provider.name, model=provider.model, dimensions=provider.dimensions)


def _forget() -> None:
    """A forked child must not share its parent's connections, nor a lock that another thread held."""
    global _lock
    _lock = threading.Lock()
    _instances.clear()


os.register_at_fork(after_in_child=_forget)
