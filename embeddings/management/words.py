"""Numbers with their nouns and verbs: "1 entity was", "1,000 entities were"."""

from __future__ import annotations

PLURALS = {"entity": "entities", "is": "are", "was": "were"}


def counted(number: int, noun: str) -> str:
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, word: str) -> str:
    """The noun or the verb, as it is for so many."""
    return word if number == 1 else PLURALS.get(word, f"{word}s")
