"""A Redis as a row of the overview."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import ngettext

from queues.admin.queue.row import QueueRow
from queues.operations.health import Level
from queues.operations.servers import memory, policy, version
from queues.operations.survey import QueueSurvey, ServerFacts, ServerSurvey
from queues.store.servers import Server


@dataclass(frozen=True, kw_only=True)
class ServerRow:
    """One Redis, and what was `found` there: None where it did not answer, but with an `error`."""

    server: Server
    found: ServerSurvey | None = None
    error: str = ""

    @property
    def where(self) -> str:
        return self.server.where

    @property
    def queues(self) -> list[str]:
        return self.server.names

    @property
    def rows(self) -> list[QueueRow]:
        """Its queues, also those that could not be read."""
        surveys = self.found.queues if self.found else [QueueSurvey(name=name) for name in self.queues]
        return [QueueRow(survey=each) for each in surveys]

    @property
    def facts(self) -> ServerFacts | None:
        return self.found.facts if self.found else None

    @property
    def complaints(self) -> list[str]:
        """What `manage.py doctor` would say too."""
        if not self.facts:
            return []
        found = (
            version(self.where, self.facts.version),
            policy(self.where, self.facts.policy),
            memory(self.where, self.facts.used_memory, self.facts.max_memory),
        )
        return [f"{each.sentence} {each.cure}" for each in found if each.level is not Level.HEALTHY]

    @property
    def milliseconds(self) -> float:
        return self.facts.latency_seconds * 1000 if self.facts else 0.0

    @property
    def failure(self) -> str:
        text = ngettext(
            "The Redis of the queue %(names)s at %(where)s: %(error)s",
            "The Redis of the queues %(names)s at %(where)s: %(error)s",
            len(self.queues),
        )
        return text % {"names": ", ".join(self.queues), "where": self.where, "error": self.error} if self.error else ""
