"""What the overview shows, read once per page: at most three round trips a Redis, all of them at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import ngettext

from queues.address import describe
from queues.admin.queue.row import QueueRow
from queues.exceptions import RedisUnavailable
from queues.operations import servers
from queues.operations.health import Level
from queues.operations.schedules import ScheduleInfo
from queues.operations.survey import QueueSurvey, ServerFacts, ServerSurvey, survey
from queues.store.at_once import at_once
from queues.store.queue import Queue, queue_names
from queues.store.servers import by_server
from queues.store.workers import WorkerInfo


@dataclass(frozen=True, kw_only=True)
class ServerRow:
    """One Redis, with what is wrong with it in words."""

    where: str
    queues: tuple[str, ...]
    facts: ServerFacts | None
    error: str = ""

    @property
    def complaints(self) -> list[str]:
        """What `manage.py doctor` would say too."""
        if not self.facts:
            return []
        found = (
            servers.version(self.where, self.facts.version),
            servers.policy(self.where, self.facts.policy),
            servers.memory(self.where, self.facts.used_memory, self.facts.max_memory),
        )
        return [f"{each.sentence} {each.cure}" for each in found if each.level is not Level.HEALTHY]

    @property
    def milliseconds(self) -> float:
        return self.facts.latency_seconds * 1000 if self.facts else 0.0


@dataclass(frozen=True, kw_only=True)
class Server:
    """The queues of RQ_QUEUES on one Redis, and what was found there: None where it did not answer."""

    where: str
    names: tuple[str, ...]
    found: ServerSurvey | None = None
    error: str = ""

    def queues(self) -> Iterator[QueueRow]:
        for each in self.found.queues if self.found else map(_unread, self.names):
            yield QueueRow(survey=each)

    @property
    def row(self) -> ServerRow:
        return ServerRow(where=self.where, queues=self.names, facts=self.found.facts if self.found else None, error=self.error)

    @property
    def failure(self) -> str:
        text = ngettext(
            "The Redis of the queue %(names)s at %(where)s: %(error)s",
            "The Redis of the queues %(names)s at %(where)s: %(error)s",
            len(self.names),
        )
        return text % {"names": ", ".join(self.names), "where": self.where, "error": self.error} if self.error else ""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All queues of RQ_QUEUES with their servers, workers and schedules."""

    all_servers: tuple[Server, ...]

    @cached_property
    def queues(self) -> list[QueueRow]:
        """In the order of RQ_QUEUES."""
        rows = {row.name: row for server in self.all_servers for row in server.queues()}
        return [rows[name] for name in queue_names()]

    @property
    def servers(self) -> list[ServerRow]:
        return [server.row for server in self.all_servers]

    @property
    def failures(self) -> list[str]:
        """What happened, per silent Redis."""
        return [server.failure for server in self.all_servers if server.failure]

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
        found = {worker.name: worker for server in self.all_servers if server.found for worker in server.found.workers}
        return sorted(found.values(), key=lambda worker: worker.name)

    @property
    def schedules(self) -> list[ScheduleInfo]:
        """By name; without those of a silent Redis."""
        found = (schedule for server in self.all_servers if server.found for schedule in server.found.schedules)
        return sorted(found, key=lambda schedule: schedule.name)


def read_overview() -> Overview:
    """Never raises for a Redis that is away, and asks it only once, however many queues are on it."""
    return Overview(all_servers=tuple(at_once(_read, by_server())))


def _read(queues: list[Queue]) -> Server:
    where, names = describe(queues[0].config), tuple(queue.name for queue in queues)
    try:
        return Server(where=where, names=names, found=survey(queues[0].connection, names))
    except RedisUnavailable as error:
        return Server(where=where, names=names, error=str(error))


def _unread(name: str) -> QueueSurvey:
    return QueueSurvey(name=name)
