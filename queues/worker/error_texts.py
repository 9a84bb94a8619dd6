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
    return encodable(f"{type(error).__name__}: {text}")[:MAX_ERROR_CHARACTERS]


def describe_at_length(error: BaseException) -> str:
    """The traceback, its end where it is long."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:
        text = describe(error)
    return encodable(text)[-MAX_TRACEBACK_CHARACTERS:]


def encodable(text: str) -> str:
    """A lone surrogate, as file names and mail headers have them, becomes a question mark. All else is kept: what could steer a terminal
    is taken out where it is shown (queues.plain), so that a page shows the error as it was."""
    return text.encode("utf-8", "replace").decode()
