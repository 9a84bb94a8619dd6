"""What a database transaction hands over when it has committed, all in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

T = TypeVar("T")


class PerTransaction(Generic[T]):
    """Collects items in a transaction; `deliver(items, alias)` gets all of them at once after the commit.

    Every group of items is handed over by a commit hook that belongs to its savepoint, so that a rolled-back savepoint
    drops only its own. A flush behind each group belongs to no savepoint; only the last one registered delivers.
    `is_robust` hooks fail no request, whatever happens. `name` tells apart the collections on one connection.
    """

    is_robust: ClassVar[bool] = True

    def __init__(self, name: str, deliver: Callable[[list[T], str], None]) -> None:
        self._attribute = f"_queues_per_transaction_{name}"
        self._deliver = deliver
        self._handovers: WeakKeyDictionary[Callable[..., Any], list[T]] = WeakKeyDictionary()

    def add(self, connection: BaseDatabaseWrapper, items: list[T]) -> None:
        """Adds to what the connection's open transaction will deliver."""
        collected = self._of(connection)

        def hand_over() -> None:
            collected.items += self._handovers.pop(hand_over, [])

        def flush() -> None:
            if collected.flush is flush:
                committed, collected.items = collected.items, []
                if committed:
                    self._deliver(committed, connection.alias)

        self._handovers[hand_over] = items
        connection.on_commit(hand_over, robust=True)
        collected.flush = flush
        connection.run_on_commit.append((set(), flush, self.is_robust))  # type: ignore[arg-type]  # the stubs lack `robust`

    def pending(self) -> list[T]:
        """What this thread's open transactions will deliver, in the order of its adding."""
        hooks = [hook[1] for connection in connections.all(initialized_only=True) for hook in connection.run_on_commit]
        return [item for hook in hooks for item in self._handovers.get(hook, ())]

    def _of(self, connection: BaseDatabaseWrapper) -> _Collected[T]:
        """The open transaction's. A commit hook that opens a transaction of its own gets another: its hooks run apart."""
        collected: _Collected[T] | None = getattr(connection, self._attribute, None)
        if collected is None or not any(hook[1] is collected.flush for hook in reversed(connection.run_on_commit)):
            collected = _Collected()
            setattr(connection, self._attribute, collected)
        return collected


class _Collected(Generic[T]):
    """Of one transaction: what has been handed over, and the flush that counts."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.flush: Callable[[], None] | None = None
