"""Many entities of one job: in parts that bound its memory, with several requests under way, and in the time that the job has."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from embeddings.conf import settings
from embeddings.exceptions import OutOfTime
from embeddings.indexing.failures import Failures
from embeddings.indexing.indexer import PROVIDER_SECONDS, Indexer
from embeddings.indexing.plans import Plan
from embeddings.indexing.requests import ask
from embeddings.indexing.trouble import await_tables
from embeddings.owing.changes import Change, Entity
from embeddings.owing.dirty import read_versions
from embeddings.owing.enqueueing import enqueue
from embeddings.parts import parts
from queues import QueuesError

log = logging.getLogger("embeddings")

PART = 100
"""Entities that are read at a time."""
SERVE_SECONDS = 240.0
"""After so long no request leaves any more; those under way have PROVIDER_SECONDS to end."""
TIMEOUT_SECONDS = 600
"""The job's: more than both together, so that a slow provider never ends it."""

Report = Callable[[int], None]
OnStep = Callable[[Failures, int], None]


def embed_all(entities: Sequence[Entity], *, using: str, owner_id: str, report: Report) -> None:
    """Serves those of the entities that are pending; the others are served already. `report` hears whole percents, each once, rising.

    One that fails gets a job of its own, with `owner_id` as a hint, and so its own attempts. Raises ProviderError, and
    OutOfTime when there is more than time; what came until then is stored.
    """
    percent = 0

    def on_step(failures: Failures, served: int) -> None:
        nonlocal percent
        _enqueue(failures, using=using, owner_id=owner_id)
        before, percent = percent, 100 * served // len(entities)
        if percent > before:
            report(percent)

    serve_all(entities, using=using, on_step=on_step)


def serve_all(entities: Sequence[Entity], *, using: str, on_step: OnStep) -> None:
    """Serves those of the entities that are pending. After each step `on_step` is called with the failures that it brought and the number
    of entities, so far, that are decided. Raises as `embed_all` does."""
    _Bulk(entities, using=using, on_step=on_step).serve()


def _enqueue(failures: Failures, *, using: str, owner_id: str) -> None:
    changes = [
        Change(entity_type=entity_type, entity_id=entity_id, owner_id=owner_id, version=failure.version)
        for (entity_type, entity_id), failure in failures.items()
    ]
    try:
        enqueue(changes, using=using)
    except QueuesError as error:
        log.error("The jobs of %d failed entities did not reach Redis, the sweep will enqueue them: %s", len(changes), error)


class _Bulk:
    def __init__(self, entities: Sequence[Entity], *, using: str, on_step: OnStep) -> None:
        self.entities, self.using, self.on_step = entities, using, on_step
        await_tables({entity_type for entity_type, _ in entities}, using=using)
        self.indexer = Indexer(using=using)
        self.stop_at = time.monotonic() + SERVE_SECONDS
        self.has_begun = False

    def serve(self) -> None:
        deadline = self.stop_at + PROVIDER_SECONDS
        for group, answers in ask(self._groups(), self.indexer.provider, deadline=deadline, in_flight=settings.requests_in_flight):
            self.indexer.take(group, answers)
            self._go_on()

    def _groups(self) -> Iterator[list[Plan]]:
        for part in parts(self.entities, PART):
            self._check_time()
            versions = read_versions(part, using=self.using, parked=False)
            groups = self.indexer.prepare(versions)
            self.indexer.served += len(part) - len(versions)
            self._go_on()
            for group in groups:
                self._check_time()
                yield group
                self.has_begun = True
            self.has_begun |= bool(versions)

    def _check_time(self) -> None:
        """However slow it is, each run gets a request done, or a part that needs none."""
        if self.has_begun and time.monotonic() > self.stop_at:
            raise OutOfTime(f"The time was over before all of the {len(self.entities)} entities were embedded; the rest follows.")

    def _go_on(self) -> None:
        failures, self.indexer.failures = self.indexer.failures, {}
        self.on_step(failures, self.indexer.served)
