"""What every provider is: texts in, as many vectors of unit length out, or one of our exceptions."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from embeddings.exceptions import ContentTooLong, EmptyContent, InvalidInput, ProviderFault
from embeddings.providers.retrying import call_with_retries

BYTES_PER_TOKEN = 3
"""A cautious estimate where no tokenizer is at hand: English has about four bytes a token, other scripts fewer."""
UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class EmbeddingBatch:
    """Vectors in the order of the texts, each of unit length, and the tokens that they cost."""

    vectors: list[list[float]]
    tokens: int


class Provider(ABC):
    """One model at one provider. Instances are shared by threads."""

    name: ClassVar[str]

    model: str
    dimensions: int
    default_min_similarity: float
    """Below this similarity a hit is noise; models differ so much that no one number serves them all."""
    max_inputs: int
    """Texts a request."""
    max_tokens: int
    """Estimated tokens a request, all texts together."""
    max_input_tokens: int
    """Estimated tokens a text."""
    max_attempts: int = 1
    """How often a call that is not answered is made, in all."""
    backoff_seconds: float = 1.0
    """The first wait between two attempts; the next ones are twice as long each."""
    dollars_per_million_tokens: float | None = None
    """What a million tokens cost, in US dollars; None where that is not known."""

    @classmethod
    @abstractmethod
    def build(cls, *, model: str = "", dimensions: int = 0) -> Provider:
        """The provider from the settings, with its own default for an empty model and 0 dimensions; raises ProviderMisconfigured."""

    @classmethod
    def credentials(cls) -> tuple[Hashable, ...]:
        """The settings that `build` reads, so that a changed setting means a new instance."""
        return ()

    @classmethod
    def limit_from_settings(cls) -> int:
        """The tokens of a text that the settings allow, whatever the model reads; 0: they say nothing of it."""
        return 0

    @abstractmethod
    def _embed(self, texts: Sequence[str], *, deadline_seconds: float) -> EmbeddingBatch:
        """One request: one vector for each of `texts`, in order; raises ProviderError only. Its callers below repeat and verify it."""

    def embed_documents(self, texts: Sequence[str], *, deadline_seconds: float = 60, attempts: int | None = None) -> EmbeddingBatch:
        """Embed what is stored, at most `max_inputs` texts, by one request; repeated where nobody answers, `attempts` times in all
        (default: `max_attempts`), while `deadline_seconds` last. A limited rate is raised at once: see Gate."""
        if not texts:
            return EmbeddingBatch(vectors=[], tokens=0)
        self._check_texts(texts)
        batch = call_with_retries(
            lambda seconds: self._embed(texts, deadline_seconds=seconds),
            deadline_seconds=deadline_seconds,
            attempts=attempts or self.max_attempts,
            backoff_seconds=self.backoff_seconds,
            obeys_waits=False,
        )
        return self._verified(batch, count=len(texts))

    def embed_query(self, text: str, *, deadline_seconds: float = 10) -> list[float]:
        """Embed what is searched for. A person waits for it, hence the shorter deadline."""
        return self.query(text, deadline_seconds=deadline_seconds).vectors[0]

    def query(self, text: str, *, deadline_seconds: float = 10) -> EmbeddingBatch:
        """As `embed_query`, with the tokens that it cost. No gate holds it up; a limited rate is waited for within the deadline."""
        self._check_texts([text])
        batch = call_with_retries(
            lambda seconds: self._embed_query(text, deadline_seconds=seconds),
            deadline_seconds=deadline_seconds,
            attempts=self.max_attempts,
            backoff_seconds=self.backoff_seconds,
            obeys_waits=True,
        )
        return self._verified(batch, count=1)

    def _embed_query(self, text: str, *, deadline_seconds: float) -> EmbeddingBatch:
        """Override where a model wants queries in another form than documents."""
        return self._embed([text], deadline_seconds=deadline_seconds)

    def estimate_tokens(self, text: str) -> int:
        """At least the tokens of `text`, for nearly every text: some scripts and long numbers have more."""
        return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)

    def _check_texts(self, texts: Sequence[str]) -> None:
        """Refuse before any call what the provider would refuse after one."""
        if len(texts) > self.max_inputs:
            raise InvalidInput(f"{len(texts)} texts in one request, {self.name} takes at most {self.max_inputs}.")
        total = 0
        for index, text in enumerate(texts):
            if not text.strip():
                raise EmptyContent(f"Text {index} is empty.", index=index)
            if not text.isascii() and text.encode("utf-8", "ignore") != text.encode("utf-8", "replace"):
                raise InvalidInput(f"Text {index} holds half a surrogate pair, which is no text.", index=index)
            tokens = self.estimate_tokens(text)
            total += tokens
            if tokens > self.max_input_tokens:
                message = f"Text {index} has about {tokens} tokens, {self.model} reads at most {self.max_input_tokens}."
                raise ContentTooLong(message, index=index)
        if total > self.max_tokens:
            raise InvalidInput(f"About {total} tokens in one request, {self.name} takes at most {self.max_tokens}.")

    def _verified(self, batch: EmbeddingBatch, *, count: int) -> EmbeddingBatch:
        try:
            if len(batch.vectors) != count:
                raise ProviderFault(f"{self.name} answered with {len(batch.vectors)} vectors for {count} texts.")
            vectors = [self._unit(vector, index) for index, vector in enumerate(batch.vectors)]
        except ProviderFault as fault:
            fault.tokens = batch.tokens
            raise
        return EmbeddingBatch(vectors=vectors, tokens=batch.tokens)

    def _unit(self, vector: list[float], index: int) -> list[float]:
        """`vector` at unit length: what a half-precision column holds without overflow or loss."""
        if not isinstance(vector, list) or len(vector) != self.dimensions:
            size = len(vector) if isinstance(vector, list) else "no"
            raise ProviderFault(f"Vector {index} of {self.name} has {size} dimensions, {self.model} should have {self.dimensions}.")
        try:
            norm = math.hypot(*vector)
        except TypeError as error:
            raise ProviderFault(f"Vector {index} of {self.name} holds something that is no number.") from error
        if not math.isfinite(norm) or norm == 0:
            raise ProviderFault(f"Vector {index} of {self.name} is zero or not finite.")
        return vector if abs(norm - 1) <= UNIT_TOLERANCE else [value / norm for value in vector]
