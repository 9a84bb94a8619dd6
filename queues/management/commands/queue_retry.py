"""`manage.py queue_retry`: dead letters back to work."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import RedisUnavailable
from queues.management.arguments import duration, open_queues, whole_number
from queues.store.connection import patiently
from queues.store.finding.filters import Filter, Wanted
from queues.store.finding.matching import find_failed_ids


class Command(BaseCommand):
    help = "Retries failed jobs, with their attempts reset and their priority kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="+", metavar="queue", help="names from RQ_QUEUES")
        parser.add_argument("--name", help="only jobs of this name")
        parser.add_argument("--error-class", help="only jobs that failed with an error of this class, such as ValueError")
        parser.add_argument("--owner", help="only jobs of this owner")
        parser.add_argument("--text", help="only jobs with this in their error or payload")
        parser.add_argument("--older-than", type=duration, metavar="AGE", help="only jobs that failed at least so long ago: 15m, 24h")
        parser.add_argument("--newer-than", type=duration, metavar="AGE", help="only jobs that failed within the last AGE")
        parser.add_argument("--limit", type=whole_number, default=0, help="at most so many, the newest; 0, the default, is no limit")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    @patiently()
    def handle(self, *, queues: list[str], limit: int, dry_run: bool, **options: Any) -> None:
        wanted: Any = {field: options[field] for field in Wanted.__annotations__}
        for queue in open_queues(queues):
            try:
                count = len(find_failed_ids(queue, Filter(**wanted), limit)) if dry_run else queue.retry_failed(limit=limit, **wanted)
            except RedisUnavailable as error:
                raise CommandError(str(error)) from error
            jobs = "job" if count == 1 else "jobs"
            self.stdout.write(f"{queue.name}: {count} failed {jobs} {'would be ' if dry_run else ''}retried")
