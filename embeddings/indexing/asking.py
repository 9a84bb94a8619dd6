"""Asking a provider for the vectors of texts: what fails is halved down to the text to blame.

No database access: several threads of one job may be in here at once, each with Answers of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

from embeddings.exceptions import ContentTooLong, InvalidInput, ProviderError, ProviderFault, ProviderUnavailable
from embeddings.indexing.batches import batches
from embeddings.providers import EmbeddingBatch, Provider, probe
from embeddings.providers.gate import Gate
from embeddings.usage import PaidRequest

log = logging.getLogger("embeddings")

REQUEST_SECONDS = 60.0
LEAST_SECONDS = 10.0
"""With less time left no request is begun: that it is not answered in time would be nobody's fault but ours."""
ENOUGH_SECONDS = 90.0
"""An entity that had so long to itself, and was not done, will not be at the next try either."""


class Answers:
    """What the provider said to each text: its vector, or the error that is this text's own. Neither: it was not asked."""

    def __init__(self, count: int) -> None:
        self.vectors: list[list[float] | None] = [None] * count
        self.errors: list[ProviderError | None] = [None] * count
        self.requests: list[PaidRequest] = []
        self.trouble: ProviderError | None = None
        """What is no single text's fault, with a `retry_after`: no text was asked after it."""
        self.is_out_of_time = False
        """There was enough time, the provider served, and yet it was too much."""


def embed(texts: Sequence[str], provider: Provider, *, deadline: float) -> Answers:
    """Asks for all texts until `deadline`, by the monotonic clock. What a ProviderError ended is answered as far as it came."""
    answers = Answers(len(texts))
    asking = _Asking(list(texts), provider, answers, deadline)
    try:
        for part in batches(texts, provider):
            asking.ask(part)
    except ProviderError as error:
        answers.trouble = error
    return answers


class _Asking:
    def __init__(self, texts: list[str], provider: Provider, answers: Answers, deadline: float) -> None:
        self.texts, self.provider, self.answers, self.deadline = texts, provider, answers, deadline
        self.gate = Gate(provider)
        self.has_enough_time = deadline - time.monotonic() >= ENOUGH_SECONDS
        self.is_served = False
        """Whether anything has been answered, so that a refusal is a text's own fault."""

    def ask(self, part: range, *, attempts: int | None = None) -> None:
        """Fills in the answers for `part`. Raises ProviderError for what is no text's fault."""
        error = self._request(part, attempts)
        if error is None:
            return
        if len(part) > 1:
            for piece in _pieces(part, error):
                self.ask(piece, attempts=1)
        elif not self._cut(part.start, error):
            self._blame(part.start, error)

    def _request(self, part: range, attempts: int | None) -> ProviderError | None:
        """One request; None if it was answered, else the error that is one of its texts'. Raises what is the provider's."""
        texts = [self.texts[index] for index in part]
        seconds = self._seconds()
        with self.gate.passage(seconds=seconds + probe.SECONDS) as is_probe:
            try:
                batch = self.provider.embed_documents(texts, deadline_seconds=seconds, attempts=1 if is_probe else attempts)
            except InvalidInput as error:
                if is_probe:
                    self._confirm()
                return error
            except (ProviderUnavailable, ProviderFault) as error:
                if isinstance(error, ProviderFault) and error.tokens:
                    self._count(part, texts, error.tokens)
                self._confirm(error)
                return error
        self._count(part, texts, batch.tokens)
        for index, vector in zip(part, batch.vectors, strict=True):
            self.answers.vectors[index] = vector
        return None

    def _confirm(self, cause: ProviderError | None = None) -> None:
        """Returns if the provider serves others. Raises `cause`, or what is wrong with the provider."""
        try:
            batch: EmbeddingBatch = probe.ask_for_little(self.provider)
        except (ProviderUnavailable, ProviderFault) as error:
            raise cause or error from error.__cause__
        self.answers.requests.append(PaidRequest(tokens=batch.tokens))
        self.is_served = True

    def _cut(self, index: int, error: ProviderError) -> bool:
        """Tries a text that is refused once more, cut to what certainly fits. Whether that was worth a try, or needs none."""
        shorter = cut(self.texts[index], error, self.provider)
        if shorter is None:
            return False
        log.warning("A text of %d characters is refused (%s): trying its first %d", len(self.texts[index]), error, len(shorter))
        self.texts[index] = shorter
        again = self._request(range(index, index + 1), 1)
        if again is not None:
            self._blame(index, again)
        return True

    def _blame(self, index: int, error: ProviderError) -> None:
        """The text's own failure, unless this provider refuses all."""
        if not self.is_served:
            self._seconds()
            with self.gate.passage(seconds=probe.SECONDS):
                self._confirm()
        self.answers.errors[index] = error

    def _count(self, part: range, texts: Sequence[str], tokens: int) -> None:
        self.is_served = True
        estimates = [self.provider.estimate_tokens(text) for text in texts]
        self.answers.requests.append(PaidRequest(texts=part, estimates=estimates, tokens=tokens))

    def _seconds(self) -> float:
        """For the next request. Raises ProviderUnavailable when the time is over."""
        left = self.deadline - time.monotonic()
        if left < LEAST_SECONDS:
            self.answers.is_out_of_time = self.has_enough_time and self.is_served
            raise ProviderUnavailable("The provider was too slow for the whole batch; the rest follows.", retry_after=1)
        return min(REQUEST_SECONDS, left)


def _pieces(part: range, error: ProviderError) -> Iterator[range]:
    """The text to blame apart, where the error names it; else halves."""
    index = part.start + error.index if isinstance(error, InvalidInput) and error.index is not None else -1
    borders = [index, index + 1] if index in part else [part.start + len(part) // 2]
    edges = [part.start, *borders, part.stop]
    return (range(start, stop) for start, stop in pairwise(edges) if start < stop)


def cut(text: str, error: ProviderError, provider: Provider) -> str | None:
    """The beginning of a refused text that certainly fits: no token is less than a byte. One that is too long though it is as short
    as that is halved. None where there is nothing to cut."""
    data = text.encode("utf-8", "replace")
    if not isinstance(error, InvalidInput):
        return None
    if len(data) > provider.max_input_tokens:
        size = provider.max_input_tokens
    elif isinstance(error, ContentTooLong):
        size = len(data) // 2
    else:
        return None
    return data[:size].decode("utf-8", "ignore").strip() or None
