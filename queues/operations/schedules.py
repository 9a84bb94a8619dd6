"""Schedules: one run per slot, however many processes look."""

from __future__ import annotations

import logging
import time

from queues.exceptions import QueuesError
from queues.jobs.registry import Definition, registry
from queues.publish import add_jobs
from queues.store import keys
from queues.store.connection import get_connection, translated

log = logging.getLogger("queues")


class Scheduler:
    """Adds the scheduled jobs that are due. Keeps in memory which slots it has looked at."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def tick(self) -> None:
        """Looks at every schedule once; Redis being away is logged and tried again at the next tick."""
        for definition in registry:
            if definition.every_seconds:
                slot = int(time.time()) // definition.every_seconds
                if self.seen.get(definition.name) != slot:
                    try:
                        self._take(definition, slot)
                    except QueuesError as error:
                        log.warning("Schedule of %s: %s", definition.name, error)

    def _take(self, definition: Definition, slot: int) -> None:
        assert definition.every_seconds is not None
        key = keys.schedule_slot(definition.name, slot)
        with translated():
            is_ours = get_connection(definition.queue).set(key, 1, nx=True, ex=definition.every_seconds * 2)
        self.seen[definition.name] = slot
        if is_ours:
            add_jobs(definition.queue, [(definition.name, {})], dedupe=f"schedule:{definition.name}")
