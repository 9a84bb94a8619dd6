"""What fits into one request to a provider, by its inputs and its estimated tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embeddings.indexing.plans import Plan
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
