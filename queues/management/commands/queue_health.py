"""`manage.py queue_health`: whether the queues are well, for people and for monitoring."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import redis
from django.core.management import BaseCommand, CommandParser

from queues.address import server_key
from queues.exceptions import RedisUnavailable
from queues.management.arguments import open_queues
from queues.management.tables import json_text
from queues.operations.health import Level, QueueHealth, check_queue_health
from queues.plain import plain_line
from queues.store.queue import Queue, queue_names


class Command(BaseCommand):
    help = "Checks queues against the thresholds of QUEUES_HEALTH. Exit code: 0 healthy, 1 a warning, 2 critical or no answer of Redis."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="*", metavar="queue", help="names from RQ_QUEUES; all when none is given")
        parser.add_argument("--json", action="store_true", help="print JSON instead of lines")

    def handle(self, *, queues: list[str], json: bool, **options: Any) -> None:
        found = _ask(open_queues(queues or queue_names()))
        self.stdout.write(json_text({name: _facts(health) for name, health in found.items()}) if json else _lines(found))
        sys.exit(max((_level(health).severity for health in found.values()), default=0))


def _ask(queues: list[Queue]) -> dict[str, QueueHealth | RedisUnavailable]:
    """Each queue's health, or why it could not be asked: a server that is away is asked once."""
    found: dict[str, QueueHealth | RedisUnavailable] = {}
    silent: dict[str, RedisUnavailable] = {}
    for queue in queues:
        server = server_key(queue.config)
        try:
            found[queue.name] = silent.get(server) or check_queue_health(queue.name)
        except RedisUnavailable as error:
            found[queue.name] = error
            if not isinstance(error.__cause__, redis.exceptions.ResponseError):  # which is an answer, of this one queue
                silent[server] = error
    return found


def _level(health: QueueHealth | RedisUnavailable) -> Level:
    return Level.CRITICAL if isinstance(health, RedisUnavailable) else health.level


def _facts(health: QueueHealth | RedisUnavailable) -> dict[str, Any]:
    if isinstance(health, RedisUnavailable):
        return {"level": Level.CRITICAL, "healthy": False, "error": str(health)}
    facts = asdict(health)
    return {"level": health.level, "healthy": health.healthy, "findings": facts["findings"], "stats": facts["stats"]}


def _lines(found: dict[str, QueueHealth | RedisUnavailable]) -> str:
    lines: list[str] = []
    for name, health in found.items():
        if isinstance(health, RedisUnavailable):
            lines.append(plain_line(f"{name}: critical: {health}"))
        else:
            lines += [f"{name}: {each.level}: {each.sentence}" for each in health.findings] or [f"{name}: healthy"]
    return "\n".join(lines)
