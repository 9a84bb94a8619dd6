"""`manage.py queue_drain`: deletes what has not begun."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import RedisUnavailable
from queues.management.arguments import open_queues
from queues.store.connection import patiently


class Command(BaseCommand):
    help = "Deletes all waiting jobs of a queue for good. Running, failed and completed ones stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queue", help="a name from RQ_QUEUES")
        parser.add_argument("--delayed", action="store_true", help="delete the delayed jobs, too")
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    @patiently()
    def handle(self, *, queue: str, delayed: bool, dry_run: bool, yes: bool, **options: Any) -> None:
        (opened,) = open_queues([queue])
        kinds = "waiting and delayed" if delayed else "waiting"
        try:
            stats = opened.stats()
            count = stats.waiting + (stats.delayed if delayed else 0)
            if dry_run:
                self.stdout.write(f"{queue}: {count} {kinds} {_jobs(count)} would be deleted")
                return
            if count and not yes and not self._agrees(f"Delete {count} {kinds} {_jobs(count)} of {queue} for good? [y/N] "):
                raise CommandError("Nothing was deleted.")
            count = opened.drain(delayed=delayed)
        except RedisUnavailable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{queue}: {count} {kinds} {_jobs(count)} deleted")

    def _agrees(self, question: str) -> bool:
        """No answer, as where there is nobody to ask, is a no."""
        try:
            return input(question).strip().lower() in ("y", "yes")
        except EOFError:
            return False


def _jobs(count: int) -> str:
    return "job" if count == 1 else "jobs"
