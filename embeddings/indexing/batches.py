"""Requests to a provider: as many texts as its limits take, and a refused one halved down to the text to blame."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from embeddings.exceptions import InvalidInput, ProviderUnavailable
from embeddings.indexing.plans import Plan
from embeddings.providers import Provider

REQUEST_SECONDS = 60.0


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


def group_plans(plans: Sequence[Plan], provider: Provider) -> Iterator[list[Plan]]:
    """Plans whose wanted chunks fill a request; an entity with more of them than that is a group of its own."""
    group: list[Plan] = []
    inputs = tokens = 0
    for plan in plans:
        wanted = plan.wanted
        size = sum(map(provider.estimate_tokens, wanted))
        if group and (inputs + len(wanted) > provider.max_inputs or tokens + size > provider.max_tokens):
            yield group
            group, inputs, tokens = [], 0, 0
        group.append(plan)
        inputs, tokens = inputs + len(wanted), tokens + size
    if group:
        yield group


def embed(texts: Sequence[str], provider: Provider, *, deadline: float) -> Answers:
    """Raises ProviderError for what is no single text's fault. `deadline` is by the monotonic clock."""
    answers = Answers(len(texts))
    for part in batches(texts, provider):
        _embed_part(texts, part, provider, answers, deadline)
    return answers


def _embed_part(texts: Sequence[str], part: range, provider: Provider, answers: Answers, deadline: float) -> None:
    left = min(REQUEST_SECONDS, deadline - time.monotonic())
    if left <= 0:
        raise ProviderUnavailable("The provider was too slow for the whole batch; the rest follows.", retry_after=1)
    try:
        answer = provider.embed_documents([texts[index] for index in part], deadline_seconds=left)
    except InvalidInput as error:
        if len(part) == 1:
            answers.errors[part.start] = error
            return
        middle = part.start + len(part) // 2
        _embed_part(texts, range(part.start, middle), provider, answers, deadline)
        _embed_part(texts, range(middle, part.stop), provider, answers, deadline)
        return
    answers.tokens += answer.tokens
    for index, vector in zip(part, answer.vectors, strict=True):
        answers.vectors[index] = vector
