"""Long content in chunks: split on sentences, within the model's tokens, with some overlap."""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_TOKENS = 8000
OVERLAP_TOKENS = 100
CHUNKING = f"sentences-{MAX_TOKENS}-{OVERLAP_TOKENS}"
"""Part of the content hash: another way of chunking makes every entity stale."""

SENTENCE_END = re.compile(r"(?<=[.!?…。])\s+|\n+")


def split(text: str, *, max_tokens: int, count_tokens: Callable[[str], int], overlap_tokens: int = OVERLAP_TOKENS) -> list[str]:
    """The text whole, where it fits; else chunks of whole sentences, each beginning with the last ones of the chunk before."""
    limit = min(MAX_TOKENS, max_tokens)
    if count_tokens(text) <= limit:
        return [text]
    overlap = min(overlap_tokens, limit // 4)
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
