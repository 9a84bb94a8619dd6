"""What a transaction has captured so far: its jobs leave in one call after its commit, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import connections

from embeddings.owing.changes import Change, RelatedChange
from embeddings.owing.enqueueing import enqueue
from queues import InvalidPayload, QueuesError
from queues.per_transaction import PerTransaction

log = logging.getLogger("embeddings")


def hand_over(changes: Sequence[Change | RelatedChange], *, using: str) -> None:
    """Their jobs leave when the open transaction commits, with all others of it."""
    _outbox.add(connections[using], list(changes))


def _send(changes: list[Change | RelatedChange], using: str) -> None:
    """The latest change of each entity. Redis being away costs nothing but time: the sweep comes by."""
    latest = list({change.key: change for change in changes}.values())
    try:
        enqueue(latest, using=using)
    except InvalidPayload as error:
        if len(latest) == 1:
            log.error("No job can name a changed row, so the sweep will park it: %s", error)
            return
        middle = len(latest) // 2  # the others' jobs leave all the same
        _send(latest[:middle], using)
        _send(latest[middle:], using)
    except QueuesError as error:
        log.error("The jobs of %d changed rows did not reach Redis, the sweep will enqueue them: %s", len(latest), error)


_outbox: PerTransaction[Change | RelatedChange] = PerTransaction("changes", lambda changes, using: _send(changes, using))


def pending_changes() -> list[Change]:
    """The entities that this thread's open transactions have captured so far."""
    return [change for change in _outbox.pending() if isinstance(change, Change)]
