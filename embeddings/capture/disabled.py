"""A context in which nothing is captured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from embeddings.conf import settings

_disabled: ContextVar[bool] = ContextVar("embeddings_disabled", default=False)


@contextmanager
def embeddings_disabled() -> Iterator[None]:
    """Within it, in this thread or task, no change is captured through signals or EmbeddableQuerySet: for imports that end with
    `embeddings_sync`. Triggers, where installed, capture all the same."""
    token = _disabled.set(True)
    try:
        yield
    finally:
        _disabled.reset(token)


def is_captured(using: str) -> bool:
    """Whether changes that signals or EmbeddableQuerySet tell of in this database are captured here and now."""
    return not _disabled.get() and settings.signals and using in settings.databases
