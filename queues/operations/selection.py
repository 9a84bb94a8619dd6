"""All jobs of a state that fit a filter, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from queues import permissions
from queues.conf import settings
from queues.jobs.states import State
from queues.store.finding.filters import Filter
from queues.store.finding.matching import matching_ids, matching_parts, there_by
from queues.store.queue import Queue
from queues.store.slices import in_slices

TEXT_PARTS = 20
"""Parts of matching.LOOK jobs that are looked through for a text while somebody waits."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """What can be done with many jobs of a state, by whom, and in which states it makes sense. `act` returns how many it met."""

    name: str
    permission: str
    states: tuple[State, ...]
    act: Callable[[Queue, Sequence[str], State], int]
    destroys: bool = False

    def run(self, queue: Queue, ids: Sequence[str], state: State) -> Iterator[int]:
        """Acts on a thousand of them at a step. Yields how many each step met; the others had changed meanwhile."""
        for part in in_slices(ids):
            yield self.act(queue, part, state)


ACTIONS = {
    action.name: action
    for action in (
        Action(name="retry", permission=permissions.CHANGE, states=(State.FAILED,), act=lambda queue, ids, _: queue.retry_many(ids)),
        Action(name="promote", permission=permissions.CHANGE, states=(State.DELAYED,), act=lambda queue, ids, _: queue.promote_many(ids)),
        Action(
            name="cancel",
            permission=permissions.CANCEL,
            states=(State.WAITING, State.DELAYED, State.ACTIVE),
            act=lambda queue, ids, _: len(queue.cancel_many(ids)),
            destroys=True,
        ),
        Action(
            name="remove",
            permission=permissions.REMOVE,
            states=(State.WAITING, State.DELAYED, State.COMPLETED, State.FAILED),
            act=Queue.remove_many,
            destroys=True,
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Jobs that fit; not `is_all` where there may be more: QUEUES_BULK_INLINE were found, or the scan for a text was long enough."""

    ids: Sequence[str]
    is_all: bool


@dataclass(frozen=True, kw_only=True)
class Selection:
    """All jobs of one state of a queue that fit."""

    queue: Queue
    state: State
    wanted: Filter

    def ids(self, until: datetime | None = None) -> list[str]:
        """All of them now, however many: what an action changes meanwhile cannot come around again. Those alone that were
        there by `until`, where it is given: see there_by."""
        found = list(matching_ids(self.queue, self.state, self.wanted))
        return found if until is None else there_by(self.queue, self.state, found, until)

    def matches(self) -> Matches:
        """As many as may be acted on while somebody waits."""
        found: list[str] = []
        for parts, (ids, is_last) in enumerate(matching_parts(self.queue, self.state, self.wanted), start=1):
            found += ids
            if len(found) > settings.bulk_inline or is_last or (self.wanted.scans and parts == TEXT_PARTS):
                return Matches(ids=found[: settings.bulk_inline], is_all=is_last and len(found) <= settings.bulk_inline)
        raise AssertionError("the last part says that it is the last")

    def count(self) -> tuple[int, bool]:
        """How many they are, and whether that is exact or the least."""
        if self.wanted.fits_all:
            return self.queue.stats().counts()[self.state], True
        found = self.matches()
        return len(found.ids), found.is_all

    def __str__(self) -> str:
        """`failed jobs of mail with name send and error class Timeout`, for the audit."""
        facts = {"name": self.wanted.name, "owner": self.wanted.owner, "error class": self.wanted.error_class, "text": self.wanted.text}
        words = " and ".join(f"{fact} {value}" for fact, value in facts.items() if value)
        return f"{self.state} jobs of {self.queue.name}{' with ' if words else ''}{words}"
