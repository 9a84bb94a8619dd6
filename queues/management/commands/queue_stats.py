"""`manage.py queue_stats`: what is in the queues, and who works on them."""

from __future__ import annotations

import argparse
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import RedisUnavailable
from queues.management.arguments import open_queues
from queues.management.tables import columns, json_text, span
from queues.store.queue import Queue, queue_names
from queues.store.stats import COUNTED, QueueStats
from queues.store.workers import WorkerInfo

CLEAR = "\x1b[H\x1b[2J"


def interval(text: str) -> float:
    """Seconds from 0.1 to 3,600: an argparse type."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.1 to 3600.")
    return seconds


class Command(BaseCommand):
    help = "Shows how many jobs of each queue are in each state, how long the oldest waits, and who works on them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="*", metavar="queue", help="names from RQ_QUEUES; all when none is given")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        parser.add_argument(
            "--watch", nargs="?", const=2.0, type=interval, metavar="SECONDS", help="show it again every 2 or so many seconds, until Ctrl-C"
        )

    def handle(self, *, queues: list[str], json: bool, watch: float | None, **options: Any) -> None:
        opened = open_queues(queues or queue_names())
        if watch is None:
            text, troubles = _read(opened, json=json)
            self.stdout.write(text)
            if troubles:
                raise CommandError("\n".join(troubles))
            return
        with suppress(KeyboardInterrupt):
            while True:
                self._show(opened, json=json)
                time.sleep(watch)

    def _show(self, queues: list[Queue], *, json: bool) -> None:
        """Redis being away is shown too: whoever watches waits for its return."""
        text, troubles = _read(queues, json=json)
        text = "\n".join(part for part in (text, *troubles) if part)
        if self.stdout.isatty():
            self.stdout.write(CLEAR, ending="")
        self.stdout.write(text if json else f"{datetime.now():%H:%M:%S}\n{text}\n")
        self.stdout.flush()


def _read(queues: list[Queue], *, json: bool) -> tuple[str, list[str]]:
    """The queues that can be read, empty where none can, and what is wrong with the others."""
    stats: dict[str, QueueStats] = {}
    workers: list[WorkerInfo] = []
    troubles: list[str] = []
    for queue in queues:
        try:
            stats[queue.name] = queue.stats()
            workers += queue.workers() if json else []
        except RedisUnavailable as error:
            troubles.append(f"{queue.name}: {error}")
    return (_json(stats, workers) if json else _table(stats)) if stats else "", troubles


def _json(stats: dict[str, QueueStats], workers: list[WorkerInfo]) -> str:
    alive = {worker.name: asdict(worker) for worker in workers}
    return json_text({"queues": {name: asdict(each) for name, each in stats.items()}, "workers": list(alive.values())})


def _table(stats: dict[str, QueueStats]) -> str:
    rows = [["queue", *COUNTED, "oldest", "busy", "workers"]]
    for name, each in stats.items():
        counts = [str(count) for count in each.counts().values()]
        oldest, busy = span(each.oldest_waiting_seconds), f"{each.busy}/{each.concurrency}"
        rows.append([f"{name} (paused)" if each.paused else name, *counts, oldest, busy, str(each.workers)])
    return columns(rows, numbers=range(1, len(rows[0])))
