"""An error as text, as it is stored and shown."""

from __future__ import annotations

import traceback

MAX_ERROR_CHARACTERS = 2000
MAX_TRACEBACK_CHARACTERS = 32_000


def describe(error: BaseException | None) -> str:
    """The error in a line, as operators read it first."""
    if error is None:
        return ""
    try:
        text = str(error)
    except Exception as unprintable:
        text = f"its text cannot be printed ({type(unprintable).__name__})"
    return printable(f"{type(error).__name__}: {text}")[:MAX_ERROR_CHARACTERS]


def describe_at_length(error: BaseException) -> str:
    """The traceback, its end where it is long."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:
        text = describe(error)
    return printable(text)[-MAX_TRACEBACK_CHARACTERS:]


def printable(text: str) -> str:
    """Text that can be encoded: a lone surrogate, as file names and mail headers have them, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()
