"""A provider for tests: no network, no model, the same vector for the same text in every process."""

from __future__ import annotations

import hashlib
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal

from embeddings.exceptions import InvalidInput, ProviderError, ProviderMisconfigured, ProviderUnavailable, RateLimited
from embeddings.providers.base import EmbeddingBatch, Provider

DIMENSIONS = 256
Garbage = Literal["count", "dimension", "nan", "zero"]


class FakeProvider(Provider):
    """Hashes words into buckets: texts are the more similar the more words they share, unrelated ones are near 0.

    It behaves like a real provider, and badly when told to; `reset()` makes it well again and forgets what it saw. What it is told
    to fail fails: a call is made once, unless `max_attempts` is set.
    """

    name = "fake"
    default_min_similarity = 0.2
    max_inputs = 2048
    max_tokens = 250_000
    max_input_tokens = 8192

    def __init__(self, *, model: str = "bag-of-words", dimensions: int = DIMENSIONS) -> None:
        self.model = model
        self.dimensions = dimensions
        self._lock = threading.Lock()
        self._forget()

    @classmethod
    def build(cls, *, model: str = "", dimensions: int = 0) -> FakeProvider:
        return cls(model=model or "bag-of-words", dimensions=dimensions or DIMENSIONS)

    def reset(self) -> None:
        """Forget all calls and all instructions; what the workers remember of its troubles is forgotten too."""
        from embeddings.providers.gate import Gate  # needs Django's settings, which a provider alone does not

        self._forget()
        Gate(self).open()

    def _forget(self) -> None:
        with self._lock:
            self.requests: list[list[str]] = []
            """The texts of every call that got as far as the provider, failed ones too."""
            self.latency_seconds = 0.0
            """How long each call takes."""
            self.garbage: Garbage | None = None
            """What is wrong with the answers: fewer vectors, shorter ones, not a number, all zeros."""
            self.during_call: Callable[[Sequence[str]], None] | None = None
            """Called with the texts while the "request" is under way, outside any lock."""
            self._refused: list[str] = []
            self._breaking: list[str] = []
            self._error: Callable[[], ProviderError] | None = None
            self._failures = 0.0

    @property
    def calls(self) -> int:
        with self._lock:
            return len(self.requests)

    @property
    def texts(self) -> list[str]:
        """All texts of all calls, in order."""
        with self._lock:
            return [text for request in self.requests for text in request]

    def limit_rate(self, *, retry_after: float | None = None, times: float = math.inf) -> None:
        """The next `times` calls are refused with RateLimited."""
        self.fail(lambda: RateLimited("The fake provider limits the rate.", retry_after=retry_after), times=times)

    def go_down(self, *, times: float = math.inf) -> None:
        """The next `times` calls fail with ProviderUnavailable."""
        self.fail(lambda: ProviderUnavailable("The fake provider is down."), times=times)

    def misconfigure(self, *, times: float = math.inf) -> None:
        """The next `times` calls fail with ProviderMisconfigured."""
        self.fail(lambda: ProviderMisconfigured("The fake provider has no such model."), times=times)

    def fail(self, error: Callable[[], ProviderError], *, times: float = math.inf) -> None:
        """The next `times` calls raise what `error()` returns: a new exception each, as threads may raise at once."""
        with self._lock:
            self._error, self._failures = error, times

    def refuse(self, part: str) -> None:
        """A call with a text that contains `part` fails whole with InvalidInput, without saying which text it was."""
        with self._lock:
            self._refused.append(part)

    def break_on(self, part: str) -> None:
        """A call with a text that contains `part` fails whole with ProviderUnavailable; others are served."""
        with self._lock:
            self._breaking.append(part)

    def _embed(self, texts: Sequence[str], *, deadline_seconds: float) -> EmbeddingBatch:
        error, refused, latency, hook = self._receive(texts)
        if latency > deadline_seconds:
            time.sleep(deadline_seconds)
            raise ProviderUnavailable(f"The fake provider did not answer within {deadline_seconds:g} s.")
        time.sleep(latency)
        if hook is not None:
            hook(texts)
        if error is not None:
            raise error
        if any(part in text for part in refused for text in texts):
            raise InvalidInput("The fake provider refuses a text.")
        if any(part in text for part in self._breaking for text in texts):
            raise ProviderUnavailable("The fake provider breaks at a text.")
        vectors = self._spoil([embed(text, dimensions=self.dimensions) for text in texts])
        return EmbeddingBatch(vectors=vectors, tokens=sum(map(self.estimate_tokens, texts)))

    def _receive(self, texts: Sequence[str]) -> tuple[ProviderError | None, list[str], float, Callable[[Sequence[str]], None] | None]:
        with self._lock:
            self.requests.append(list(texts))
            error = None
            if self._error is not None and self._failures > 0:
                self._failures -= 1
                error = self._error()
            return error, list(self._refused), self.latency_seconds, self.during_call

    def _spoil(self, vectors: list[list[float]]) -> list[list[float]]:
        match self.garbage:
            case "count":
                return vectors[:-1]
            case "dimension":
                return [vector[:-1] for vector in vectors]
            case "nan":
                return [[math.nan, *vector[1:]] for vector in vectors]
            case "zero":
                return [[0.0] * len(vector) for vector in vectors]
            case None:
                return vectors


def embed(text: str, *, dimensions: int = DIMENSIONS) -> list[float]:
    """The unit vector of the text's words, without regard to case, order and punctuation."""
    buckets = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [text]:
        digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
        buckets[int.from_bytes(digest, "big") % dimensions] += 1.0
    norm = math.hypot(*buckets)
    return [value / norm for value in buckets]
