"""Long content in chunks: split on sentences, within the model's tokens, with some overlap."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

MAX_TOKENS = 8000
OVERLAP_TOKENS = 100


@dataclass(frozen=True, kw_only=True)
class Chunking:
    """`max_tokens` a chunk, or the model's own maximum if that is lower; each chunk begins with `overlap_tokens` of the one before."""

    by: Literal["sentences", "paragraphs", "words"] = "sentences"
    max_tokens: int = MAX_TOKENS
    overlap_tokens: int = OVERLAP_TOKENS

    def __str__(self) -> str:
        return f"{self.by}-{self.max_tokens}-{self.overlap_tokens}"


SENTENCE_END = re.compile(r"(?<=[.!?…。])\s+|\n+")


def split(text: str, chunking: Chunking, *, max_tokens: int, count_tokens: Callable[[str], int]) -> list[str]:
    """The text whole, where it fits; else chunks of whole sentences, each beginning with the last ones of the chunk before."""
    limit = min(chunking.max_tokens, max_tokens)
    if count_tokens(text) <= limit:
        return [text]
    overlap = min(chunking.overlap_tokens, limit // 4)
    chunks: list[str] = []
    current: list[str] = []
    for sentence in _sentences(text, limit, count_tokens):
        if current and count_tokens(" ".join([*current, sentence])) > limit:
            chunks.append(" ".join(current))
            current = _tail(current, overlap, count_tokens)
            if current and count_tokens(" ".join([*current, sentence])) > limit:
                current = []
        current.append(sentence)
    return [*chunks, " ".join(current)]


def _sentences(text: str, limit: int, count_tokens: Callable[[str], int]) -> list[str]:
    """Sentences that each fit; what is longer is cut into words, and a word that is longer into pieces."""
    parts: list[str] = []
    for sentence in SENTENCE_END.split(text):
        sentence = sentence.strip()
        while sentence and count_tokens(sentence) > limit:
            cut = max(1, len(sentence) * limit // (count_tokens(sentence) + 1))
            space = sentence.rfind(" ", cut // 2, cut)
            cut = space if space > 0 else cut
            parts.append(sentence[:cut].strip())
            sentence = sentence[cut:].strip()
        if sentence:
            parts.append(sentence)
    return [part for part in parts if part]


def _tail(sentences: list[str], overlap: int, count_tokens: Callable[[str], int]) -> list[str]:
    tail: list[str] = []
    for sentence in reversed(sentences):
        if count_tokens(" ".join([sentence, *tail])) > overlap:
            break
        tail.insert(0, sentence)
    return tail
