"""What a backfill would take: counted by key, and for chunks and tokens by building content, of a sample where there is much."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from embeddings.backfill.candidates import Candidate
from embeddings.backfill.selection import Target
from embeddings.indexing.chunks import split
from embeddings.indexing.plans import load_rows
from embeddings.parts import parts
from embeddings.registering.built import build_content

SAMPLE = 2000
LOADED = 200
"""Rows in memory at once."""


@dataclass(kw_only=True)
class Estimate:
    """`entities` to embed. Chunks, tokens and requests as they follow from the `sampled` entities, tokens as the provider's limits
    count them (rather more than are billed), requests if each were full. `dollars` is None where the price is not known.

    `empty` of the sampled have no content, and `unbuildable` ones raise an error.
    """

    entities: int = 0
    chunks: int = 0
    tokens: int = 0
    requests: int = 0
    dollars: float | None = None
    sampled: int = 0
    empty: int = 0
    unbuildable: int = 0

    @property
    def is_exact(self) -> bool:
        return self.sampled == self.entities

    def add(self, other: Estimate) -> None:
        if self.entities == 0 or other.entities == 0:
            self.dollars = other.dollars if self.entities == 0 else self.dollars
        else:
            self.dollars = None if self.dollars is None or other.dollars is None else self.dollars + other.dollars
        for name in ("entities", "chunks", "tokens", "requests", "sampled", "empty", "unbuildable"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class _Sample:
    """So many of all that come by, each with the same chance (reservoir sampling, Vitter's algorithm R)."""

    size: int
    count: int = 0
    items: list[Candidate] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311  # the same command, the same estimate

    def add(self, item: Candidate) -> None:
        self.count += 1
        if len(self.items) < self.size:
            self.items.append(item)
        elif (place := self.dice.randrange(self.count)) < self.size:
            self.items[place] = item


def estimate(target: Target, found: Iterable[Candidate]) -> Estimate:
    """Raises ProviderMisconfigured where the active model's provider cannot be made."""
    provider = target.model.get_provider()
    sample = _Sample(size=SAMPLE)
    for candidate in found:
        sample.add(candidate)
    result = Estimate(entities=sample.count, sampled=len(sample.items))
    chunks = tokens = 0
    for sizes in _sizes(target, sample.items, result):
        chunks, tokens = chunks + len(sizes), tokens + sum(sizes)
    scale = sample.count / max(1, len(sample.items))
    result.chunks, result.tokens = round(chunks * scale), round(tokens * scale)
    result.requests = max(math.ceil(result.chunks / provider.max_inputs), math.ceil(result.tokens / provider.max_tokens))
    price = provider.dollars_per_million_tokens
    result.dollars = None if price is None else result.tokens * price / 1_000_000
    return result


def _sizes(target: Target, sample: list[Candidate], result: Estimate) -> Iterator[list[int]]:
    """The tokens of each chunk of every entity that has content."""
    embeddable, provider = target.embeddable, target.model.get_provider()
    for part in parts(sample, LOADED):
        rows = load_rows([(target.entity_type, candidate.entity_id) for candidate in part], using=target.using)
        for row in rows.values():
            if not embeddable.is_wanted(row):
                result.empty += 1
                continue
            try:
                text = build_content(embeddable, row)
            except Exception:
                result.unbuildable += 1
                continue
            chunks = split(text, embeddable.chunking, max_tokens=provider.max_input_tokens, count_tokens=provider.estimate_tokens)
            sizes = [provider.estimate_tokens(chunk) for chunk in chunks] if text else []
            result.empty += not sizes
            yield sizes
