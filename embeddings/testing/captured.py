"""What a test's code has captured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from embeddings.owing.changes import Change


@contextmanager
def captured_changes() -> Iterator[list[Change]]:
    """The changes captured in this block: a list that is empty until the block ends, and then has them in the order of their capture.

    Committed or not, so that a test's own transaction, which never commits, makes no difference; what a rolled-back savepoint
    or transaction took along is missing. Every save counts, also of one entity. Entities that depend on a changed row are
    captured by whoever expands its fan-out row: call `run_pending` inside the block. Triggers are not seen.
    """
    from embeddings.owing import outbox
    from embeddings.owing.changes import Change

    captured: list[Change] = []
    before = outbox.pending_changes()
    known = {id(change) for change in before}  # `before` keeps them alive, so that no other gets one's id
    sent: list[Any] = []
    send = outbox._send

    def note(committed: list[Any], using: str) -> None:
        sent.extend(committed)
        send(committed, using)

    try:
        with patch.object(outbox, "_send", note):
            yield captured
    finally:
        # Whatever else leaves with the same commit is no entity.
        entities = [change for change in sent if isinstance(change, Change)]
        found = [change for change in (*entities, *outbox.pending_changes()) if id(change) not in known]
        captured.extend(sorted(found, key=lambda change: change.version))
