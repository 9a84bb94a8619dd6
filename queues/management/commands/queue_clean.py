"""`manage.py queue_clean`: deletes what ended long ago."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import RedisUnavailable
from queues.jobs.states import ENDED
from queues.management.arguments import duration, open_queues, whole_number
from queues.store.connection import patiently


class Command(BaseCommand):
    help = "Deletes completed and failed jobs that ended longer ago than --older-than, oldest first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="+", metavar="queue", help="names from RQ_QUEUES")
        parser.add_argument(
            "--older-than", type=duration, required=True, metavar="AGE", help="such as 90s, 15m, 24h, 7d; a bare number is seconds"
        )
        parser.add_argument(
            "--state", action="append", choices=[state.value for state in ENDED], dest="states", help="only this state; may be given twice"
        )
        parser.add_argument("--limit", type=whole_number, default=0, help="at most so many jobs per queue; 0, the default, is no limit")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    @patiently()
    def handle(
        self, *, queues: list[str], older_than: float, states: list[str] | None, limit: int, dry_run: bool, verbosity: int, **options: Any
    ) -> None:
        wanted = list(dict.fromkeys(states or ENDED))
        for queue in open_queues(queues):
            try:
                count = queue.clean(older_than, states=wanted, limit=limit, dry_run=dry_run)
            except RedisUnavailable as error:
                raise CommandError(str(error)) from error
            if verbosity > 0:
                verb = "would be deleted" if dry_run else "deleted"
                self.stdout.write(f"{queue.name}: {count} {' and '.join(wanted)} job{'' if count == 1 else 's'} {verb}")
