"""Texts from outside as terminals and logs may have them: they must neither steer a terminal nor pass for lines of their own."""

from __future__ import annotations

from unicodedata import category


def plain(text: str) -> str:
    """Without control characters, but for line breaks and tabs. For showing alone: what is stored keeps them."""
    if text.isprintable():
        return text
    return "".join(character if _is_plain(character) else "\N{REPLACEMENT CHARACTER}" for character in text)


def _is_plain(character: str) -> bool:
    """Spaces of all widths are, which Python counts as unprintable."""
    return character.isprintable() or character in "\n\t" or category(character) == "Zs"


def plain_line(text: str, width: int = 0) -> str:
    """The same as one line, of at most `width` characters if that is given."""
    line = plain(" ".join(text.split()))
    return line if not width or len(line) <= width else f"{line[: width - 1]}…"
