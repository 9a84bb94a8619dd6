"""`manage.py queue_stats`: what is in the queues, and who works on them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import orjson
from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import RedisUnavailable
from queues.management.arguments import open_queues
from queues.store.queue import Queue, queue_names
from queues.store.stats import COUNTED, QueueStats
from queues.store.workers import WorkerInfo

STATES = COUNTED


class Command(BaseCommand):
    help = "Shows how many jobs of each queue are waiting, active, completed, failed and delayed, and the queue's workers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="*", metavar="queue", help="names from RQ_QUEUES; all when none is given")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *, queues: list[str], json: bool, **options: Any) -> None:
        opened = open_queues(queues or queue_names())
        try:
            stats = {queue.name: queue.stats() for queue in opened}
            workers = {queue.name: queue.workers() for queue in opened}
        except RedisUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_json(stats, workers) if json else _table(opened, stats, workers))


def _json(stats: dict[str, QueueStats], workers: dict[str, list[WorkerInfo]]) -> str:
    alive = {worker.name: asdict(worker) for found in workers.values() for worker in found}
    document = {"queues": {name: asdict(each) for name, each in stats.items()}, "workers": list(alive.values())}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _table(queues: list[Queue], stats: dict[str, QueueStats], workers: dict[str, list[WorkerInfo]]) -> str:
    rows = [["queue", *STATES, "workers"]]
    for queue in queues:
        rows.append([queue.name, *(str(getattr(stats[queue.name], state)) for state in STATES), str(len(workers[queue.name]))])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]) for row in rows
    )
