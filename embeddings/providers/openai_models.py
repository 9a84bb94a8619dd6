"""What is known of OpenAI's embedding models (platform.openai.com/docs/models), and what has to be told of others."""

from __future__ import annotations

from dataclasses import dataclass

from embeddings.exceptions import ProviderMisconfigured

DEFAULT_MODEL = "text-embedding-3-small"
MAX_INPUT_TOKENS = 8192


@dataclass(frozen=True, kw_only=True)
class OpenAIModel:
    """`is_shortenable`: the request may ask for fewer dimensions than the model has. `price`: US dollars for a million tokens,
    without the batch discount (developers.openai.com/api/docs/pricing, November 2026)."""

    name: str
    dimensions: int
    price: float
    is_shortenable: bool = False


KNOWN_MODELS = {
    model.name: model
    for model in (
        OpenAIModel(name="text-embedding-3-small", dimensions=1536, price=0.02, is_shortenable=True),
        OpenAIModel(name="text-embedding-3-large", dimensions=3072, price=0.13, is_shortenable=True),
        OpenAIModel(name="text-embedding-ada-002", dimensions=1536, price=0.10),
    )
}


def find_dimensions(name: str, dimensions: int) -> int:
    """How many dimensions the vectors of model `name` will have, `dimensions` being what was asked for, 0 for nothing."""
    if dimensions < 0:
        raise ProviderMisconfigured(f"EMBEDDINGS_DIMENSIONS is {dimensions}, it must be positive, or 0 for the model's own.")
    known = KNOWN_MODELS.get(name)
    if known is None:
        if not dimensions:
            raise ProviderMisconfigured(
                f"The dimensions of model {name!r} are not known: set EMBEDDINGS_DIMENSIONS to its vectors' length."
            )
        return dimensions
    if not dimensions or dimensions == known.dimensions or (known.is_shortenable and dimensions < known.dimensions):
        return dimensions or known.dimensions
    allowed = f"at most {known.dimensions}" if known.is_shortenable else f"{known.dimensions} and no other number of"
    raise ProviderMisconfigured(f"EMBEDDINGS_DIMENSIONS is {dimensions}, but {name} has {allowed} dimensions.")


def find_price(name: str) -> float | None:
    """US dollars for a million tokens at OpenAI itself; None for a model that is not known."""
    known = KNOWN_MODELS.get(name)
    return None if known is None else known.price


def must_ask_for(name: str, dimensions: int) -> bool:
    """Whether a request has to name `dimensions`, because the model would give more by itself."""
    known = KNOWN_MODELS.get(name)
    return known is not None and known.is_shortenable and dimensions != known.dimensions
