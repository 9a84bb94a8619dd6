"""`manage.py queue_workers`: who works, and pausing one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.control import get_workers, pause_worker, resume_worker
from queues.exceptions import QueuesError
from queues.management.tables import age, columns, json_text
from queues.plain import plain_line
from queues.store.workers import WorkerInfo

HEADER = ["worker", "host", "pid", "queues", "state", "running", "done", "failed", "heard"]
NUMBERS = (2, 5, 6, 7, 8)


class Command(BaseCommand):
    help = "Lists the living workers of all queues; pauses or resumes one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--pause", metavar="NAME", help="it takes no more jobs until it is resumed or ends; a queue's name: all of its")
        action.add_argument("--resume", metavar="NAME", help="the opposite, by the same name")

    def handle(self, *, json: bool, pause: str | None, resume: str | None, **options: Any) -> None:
        try:
            if name := pause or resume:
                count = pause_worker(name) if pause else resume_worker(name)
                self.stdout.write(f"{name}: {count} {'worker' if count == 1 else 'workers'} {'paused' if pause else 'resumed'}")
                return
            workers = get_workers()
        except QueuesError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json_text([asdict(worker) for worker in workers]) if json else _table(workers))


def _table(workers: list[WorkerInfo]) -> str:
    if not workers:
        return "No worker lives. Start one: manage.py rqworker"
    return columns([HEADER, *map(_row, workers)], numbers=NUMBERS)


def _row(worker: WorkerInfo) -> list[str]:
    """A worker that pauses for some of its queues names them."""
    paused = "paused" if worker.is_paused else f"paused for {', '.join(worker.paused)}" if worker.paused else ""
    counts = [str(count) for count in (worker.running, worker.successful_jobs, worker.failed_jobs)]
    queues = ", ".join(worker.queues)
    cells = [worker.name, worker.hostname, str(worker.pid), queues, paused or worker.state, *counts, age(worker.last_heartbeat)]
    return [plain_line(cell) for cell in cells]
