"""`manage.py queue_dead_letters`: what kills jobs, over all queues."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from queues.exceptions import QueuesError
from queues.management.tables import columns, json_text
from queues.operations.dead_letters import DeadLetterGroup, DeadLetters, get_dead_letters
from queues.plain import plain_line

HEADER = ["error", "job", "queues", "kept", "1h", "24h", "7d", "first", "last"]


class Command(BaseCommand):
    help = "Groups failed jobs by error class and job name: how many are kept, how many died lately, when the first and the last did."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="*", metavar="queue", help="names from RQ_QUEUES; all when none is given")
        parser.add_argument("--name", help="only jobs of this name")
        parser.add_argument("--error-class", help="only jobs that died of an error of this class, such as ValueError")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *, queues: list[str], name: str | None, error_class: str | None, json: bool, **options: Any) -> None:
        try:
            found = get_dead_letters(queues, name=name, error_class=error_class)
        except QueuesError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json_text([asdict(group) for group in found.groups]) if json else _table(found))
        if found.failures:
            raise CommandError("\n".join(plain_line(f"{queue} is missing: {failure}") for queue, failure in found.failures.items()))


def _table(found: DeadLetters) -> str:
    if not found.groups:
        return "No dead letters in what could be read." if found.failures else "No dead letters."
    lines = [columns([HEADER, *map(_row, found.groups)], numbers=range(3, 7))]
    lines += [f"{queue}: only the newest {looked} of {total} were looked at." for queue, (looked, total) in found.looked.items()]
    return "\n".join(lines)


def _row(group: DeadLetterGroup) -> list[str]:
    counts = [f"{group.kept}{'+' if group.has_more else ''}", *map(str, (group.last_hour, group.last_day, group.last_week))]
    names = [plain_line(text, 40) or "-" for text in (group.error_class, group.name, ", ".join(group.queues))]
    return [*names, *counts, _time(group.first_at), _time(group.last_at)]


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z" if moment else "-"
