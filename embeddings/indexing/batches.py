"""Requests to a provider: as many texts as its limits take, and a refused one halved down to the text to blame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embeddings.exceptions import InvalidInput
from embeddings.providers import Provider


def batches(texts: Sequence[str], provider: Provider) -> Iterator[range]:
    """Index ranges, in order, each within the provider's inputs and tokens a request."""
    start = tokens = 0
    for index, text in enumerate(texts):
        size = provider.estimate_tokens(text)
        if index > start and (index - start == provider.max_inputs or tokens + size > provider.max_tokens):
            yield range(start, index)
            start, tokens = index, 0
        tokens += size
    if start < len(texts):
        yield range(start, len(texts))


class Answers:
    """What the provider said to each text: its vector, or the error that is this text's own."""

    def __init__(self, count: int) -> None:
        self.vectors: list[list[float] | None] = [None] * count
        self.errors: list[InvalidInput | None] = [None] * count
        self.tokens = 0


def embed(texts: Sequence[str], provider: Provider) -> Answers:
    """Raises ProviderError for what is no single text's fault."""
    answers = Answers(len(texts))
    for part in batches(texts, provider):
        _embed_part(texts, part, provider, answers)
    return answers


def _embed_part(texts: Sequence[str], part: range, provider: Provider, answers: Answers) -> None:
    try:
        answer = provider.embed_documents([texts[index] for index in part])
    except InvalidInput as error:
        if len(part) == 1:
            answers.errors[part.start] = error
            return
        middle = part.start + len(part) // 2
        _embed_part(texts, range(part.start, middle), provider, answers)
        _embed_part(texts, range(middle, part.stop), provider, answers)
        return
    answers.tokens += answer.tokens
    for index, vector in zip(part, answer.vectors, strict=True):
        answers.vectors[index] = vector
