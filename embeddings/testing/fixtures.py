"""The helpers as pytest fixtures: `pytest_plugins = ["embeddings.testing.fixtures"]` in the conftest.py at the root of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import pytest

from embeddings import testing

if TYPE_CHECKING:
    from embeddings.owing.changes import Change
    from embeddings.providers.fake import FakeProvider


@pytest.fixture
def fake_provider(db: None) -> Iterator[FakeProvider]:
    """The fake provider, whose model is the active one for the test: see embeddings.testing.fake_provider."""
    with testing.fake_provider() as provider:
        yield provider


@pytest.fixture
def run_pending() -> Callable[..., int]:
    """The function embeddings.testing.run_pending."""
    return testing.run_pending


@pytest.fixture
def captured_changes() -> Callable[[], AbstractContextManager[list[Change]]]:
    """The function embeddings.testing.captured_changes."""
    return testing.captured_changes
