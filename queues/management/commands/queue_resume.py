"""`manage.py queue_resume`."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import RedisUnavailable
from queues.management.arguments import open_queues


class Command(BaseCommand):
    help = "Lets workers take jobs of paused queues again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="+", metavar="queue", help="names from RQ_QUEUES")

    def handle(self, *, queues: list[str], **options: Any) -> None:
        for queue in open_queues(queues):
            try:
                queue.resume()
            except RedisUnavailable as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{queue.name}: resumed")
