"""What the overview shows, read once per page: at most three round trips a Redis, all of them at a time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from queues.admin.queue.row import QueueRow
from queues.admin.queue.server_row import ServerRow
from queues.exceptions import RedisUnavailable
from queues.operations.schedules import ScheduleInfo
from queues.operations.survey import survey
from queues.store.at_once import at_once
from queues.store.queue import queue_names
from queues.store.servers import Server, servers
from queues.store.workers import WorkerInfo


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All queues of RQ_QUEUES with their servers, workers and schedules."""

    servers: tuple[ServerRow, ...]

    @cached_property
    def queues(self) -> list[QueueRow]:
        """In the order of RQ_QUEUES."""
        rows = {row.name: row for server in self.servers for row in server.rows}
        return [rows[name] for name in queue_names()]

    @property
    def failures(self) -> list[str]:
        """What happened, per silent Redis."""
        return [server.failure for server in self.servers if server.failure]

    @property
    def is_unavailable(self) -> bool:
        """Nothing could be read of any queue."""
        return bool(self.queues) and not any(queue.stats for queue in self.queues)

    @property
    def is_served(self) -> bool:
        """Every queue has a worker."""
        return not any(queue.has_no_worker for queue in self.queues)

    @property
    def workers(self) -> list[WorkerInfo]:
        """Each worker once, by name."""
        found = {worker.name: worker for server in self.servers if server.found for worker in server.found.workers}
        return sorted(found.values(), key=lambda worker: worker.name)

    @property
    def schedules(self) -> list[ScheduleInfo]:
        """By name; without those of a silent Redis."""
        found = (schedule for server in self.servers if server.found for schedule in server.found.schedules)
        return sorted(found, key=lambda schedule: schedule.name)


def read_overview() -> Overview:
    """Never raises for a Redis that is away, and asks it only once, however many queues are on it."""
    return Overview(servers=tuple(at_once(_read, servers())))


def _read(server: Server) -> ServerRow:
    try:
        return ServerRow(server=server, found=survey(server))
    except RedisUnavailable as error:
        return ServerRow(server=server, error=str(error))
