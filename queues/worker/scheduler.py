"""What every worker does for schedules: it looks for slots, and whoever comes first adds the run."""

from __future__ import annotations

import logging
import time
from typing import Any

import redis

from queues.exceptions import QueuesError
from queues.jobs.registry import Definition
from queues.jobs.schedule import Schedule
from queues.operations.schedules import announce_run, new_run, planned
from queues.store.connection import translated
from queues.store.queue import get_queue
from queues.store.schedules import add_run

log = logging.getLogger("queues")

MEASURE_SECONDS = 60.0
RETRY_SECONDS = 10.0
QUIET_SECONDS = 30.0
COMPLAIN_SECONDS = 60.0
TICK_SECONDS = 1.0
"""After so long a tick leaves the rest to the next one: leases are renewed by the same thread."""
LONGEST_SECONDS = 86400.0
"""Even a yearly schedule is looked at daily, so that its state does not expire."""


class Server:
    """One Redis: its time without asking for it each second, and whether it was found away just now."""

    def __init__(self, connection: redis.Redis) -> None:
        self.connection = connection
        self.offset = 0.0
        self.measured_at = float("-inf")
        self.quiet_until = float("-inf")

    def failed(self, seconds: float) -> None:
        """Not asked again for ten times as long as the failure took: leases are renewed by the same thread."""
        self.quiet_until = time.monotonic() + min(max(0.5, 10 * seconds), QUIET_SECONDS)

    def now(self) -> float:
        """Unix seconds by its clock. Raises RedisUnavailable."""
        if time.monotonic() >= self.measured_at + MEASURE_SECONDS:
            with translated():
                answer: Any = self.connection.time()
            self.measured_at = time.monotonic()
            self.offset = answer[0] + answer[1] / 1e6 - self.measured_at
        return time.monotonic() + self.offset


class Scheduler:
    """Adds the runs that are due, of all registered schedules, whichever queues its worker serves.

    A slot is taken and its run added by one script, so that neither two processes nor one that dies can do half of it, or
    all of it twice. Slots that nobody looked at collapse into the latest. A process asks Redis once per slot.
    """

    def __init__(self) -> None:
        self.servers: dict[int, Server] = {}
        self.next_look: dict[str, float] = {}
        self.since: dict[str, float] = {}
        self.complained_at: dict[str, float] = {}

    def tick(self, now: float | None = None) -> None:
        """Looks for due slots (`now` in unix seconds, by default Redis's), those first that were due first. What fails is logged and
        tried again, never raised."""
        began = time.monotonic()
        for definition, schedule in sorted(planned(), key=lambda pair: self.next_look.get(pair[1].name, 0.0)):
            try:
                self._look(definition, schedule, now)
            except Exception as error:  # whatever is wrong with one schedule, the others go on
                self._complain(schedule, error)
            if time.monotonic() > began + TICK_SECONDS:
                return

    def _look(self, definition: Definition, schedule: Schedule, moment: float | None) -> None:
        server = self._server(definition)
        if time.monotonic() < server.quiet_until:
            return
        began = time.monotonic()
        try:
            now = server.now() if moment is None else moment
            if not 0 < self.next_look.get(schedule.name, 0.0) - now <= LONGEST_SECONDS:  # beyond: the clock was put back
                self._take(server, definition, schedule, now)
        except QueuesError as error:
            if isinstance(error.__cause__, (redis.ConnectionError, redis.TimeoutError)):
                server.failed(time.monotonic() - began)
                self.next_look.pop(schedule.name, None)
            raise

    def _take(self, server: Server, definition: Definition, schedule: Schedule, now: float) -> None:
        since = self.since.setdefault(schedule.name, now)  # so that an emptied Redis does not make a known schedule new
        self.next_look[schedule.name] = now + RETRY_SECONDS  # if the look fails
        slot = schedule.latest_slot(now)
        new = new_run(definition, schedule)
        if job_id := add_run(server.connection, schedule, new.arguments(), slot=slot, now=now, since=since):
            announce_run(new, job_id)
            log.info("The schedule %s added job %s to %s", schedule.name, job_id, definition.queue)
        self.next_look[schedule.name] = min(schedule.next_slot(now), now + LONGEST_SECONDS)

    def _server(self, definition: Definition) -> Server:
        connection = get_queue(definition.queue).connection
        return self.servers.setdefault(id(connection), Server(connection))

    def _complain(self, schedule: Schedule, error: Exception) -> None:
        if time.monotonic() >= self.complained_at.get(schedule.name, float("-inf")) + COMPLAIN_SECONDS:
            self.complained_at[schedule.name] = time.monotonic()
            expected = isinstance(error, QueuesError)
            log.warning("The schedule %s cannot be served: %s", schedule.name, error, exc_info=None if expected else error)
