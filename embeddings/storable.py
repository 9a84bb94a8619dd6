"""Text as PostgreSQL can store it."""

from __future__ import annotations


def storable(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and with "?" for half a surrogate pair."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
