"""One backfill, in the steps that a command shows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import islice

from embeddings.backfill.candidates import Candidate, candidates
from embeddings.backfill.estimate import Estimate, estimate
from embeddings.backfill.following import Owed
from embeddings.backfill.here import Wait, embed_here
from embeddings.backfill.marking import mark
from embeddings.backfill.selection import Selection, Target, targets
from embeddings.names import EMBEDDINGS
from queues import get_workers, is_paused


class Backfill:
    """What is missing or stale of some types, or all with `force`; at most `limit` entities.

    Raises NotRegistered, and InvalidBackfill for a selection that a model cannot answer.
    """

    def __init__(
        self, entity_types: Collection[str] | None, selection: Selection, *, limit: int | None = None, force: bool = False
    ) -> None:
        self.targets = targets(entity_types)
        self.selection, self.limit, self.force = selection, limit, force
        for target in self.targets:
            selection.rows(target)
        self.owed = Owed(self.targets)

    def parts(self) -> Iterator[tuple[Target, list[Candidate]]]:
        """A part for every thousand rows that are looked at, maybe empty."""
        left = self.limit
        for target in self.targets:
            for found in candidates(target, self.selection, force=self.force):
                part = found if left is None else found[:left]
                yield target, part
                if left is not None:
                    left -= len(part)
                    if left <= 0:
                        return

    def estimate(self) -> Estimate:
        total = Estimate()
        left = self.limit
        for target in self.targets:
            found = (candidate for part in candidates(target, self.selection, force=self.force) for candidate in part)
            of_target = estimate(target, islice(found, left))
            left = None if left is None else left - of_target.entities
            total.add(of_target)
        return total

    def mark(self) -> Iterator[int]:
        """Owes and enqueues, and yields how many of each part have to be embedded: those that are on their way already count."""
        for target, part in self.parts():
            mark(target, [candidate for candidate in part if not candidate.is_owed])
            yield len(part)

    def count(self) -> int:
        return sum(len(part) for _, part in self.parts())

    def embed_here(self, wait: Wait, tell: Callable[[int], None]) -> None:
        """Embeds in this process: see embeddings.backfill.here."""
        for target, part in self.parts():
            embed_here(target, part, wait, tell)


def find_hindrance() -> str:
    """Why nobody works on the queue, or nothing. Raises RedisUnavailable."""
    if is_paused(EMBEDDINGS):
        return f"The queue {EMBEDDINGS} is paused: manage.py queue_resume {EMBEDDINGS}"
    if not any(EMBEDDINGS not in worker.paused for worker in get_workers(EMBEDDINGS)):
        return f"No worker serves the queue {EMBEDDINGS}: start manage.py rqworker {EMBEDDINGS}, or embed in this process with --here."
    return ""
