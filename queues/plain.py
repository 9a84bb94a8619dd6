"""Texts from outside as terminals and logs may have them: they must neither steer a terminal nor pass for lines of their own."""

from __future__ import annotations


def plain(text: str) -> str:
    """Without control characters, but for line breaks and tabs."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}" for character in text)


def plain_line(text: str, width: int = 0) -> str:
    """The same as one line, of at most `width` characters if that is given."""
    line = plain(" ".join(text.split()))
    return line if not width or len(line) <= width else f"{line[: width - 1]}…"
