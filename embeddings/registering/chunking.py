"""How an embeddable wants long content to be split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

MAX_TOKENS = 8000
OVERLAP_TOKENS = 100
LEAST_TOKENS = 10

Unit = Literal["sentences", "paragraphs", "words"]


@dataclass(frozen=True, kw_only=True)
class Chunking:
    """`max_tokens` a chunk, or the model's own maximum if that is lower; each chunk begins with `overlap_tokens` of the one before.

    A unit that is longer than a chunk is split on the next smaller one: paragraphs, sentences, words, characters.
    Raises ValueError for what is out of range.
    """

    by: Unit = "sentences"
    max_tokens: int = MAX_TOKENS
    overlap_tokens: int = OVERLAP_TOKENS

    def __post_init__(self) -> None:
        if self.by not in get_args(Unit):
            raise ValueError(f"chunks are split by {', '.join(get_args(Unit))}, not by {self.by!r}")
        for name in ("max_tokens", "overlap_tokens"):
            if type(getattr(self, name)) is not int:
                raise ValueError(f"{name} must be a whole number, not {getattr(self, name)!r}")
        if self.max_tokens < LEAST_TOKENS:
            raise ValueError(f"max_tokens must be at least {LEAST_TOKENS}, not {self.max_tokens}")
        if not 0 <= self.overlap_tokens <= self.max_tokens // 2:
            raise ValueError(f"overlap_tokens must be from 0 to half of max_tokens ({self.max_tokens // 2}), not {self.overlap_tokens}")

    def __str__(self) -> str:
        return f"{self.by}-{self.max_tokens}-{self.overlap_tokens}"
