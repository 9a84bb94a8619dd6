from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from embeddings import EmbeddingsError, status
from embeddings.management.arguments import COUNTS, add_scope, counts
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.reports import write_json, write_types
from embeddings.management.words import counted
from embeddings.reconciling.status import MOST_PARKED, Status
from queues.plain import plain_line

FIRST = 10


class Command(EmbeddingsCommand):
    help = "Shows per entity type and model what is embedded, owed, parked and wrong, and what was spent. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print everything as JSON")
        parser.add_argument("--parked", action="store_true", help=f"list up to {MOST_PARKED:,} parked rows of each type, not {FIRST} alone")
        parser.add_argument(
            "--fail-on",
            type=counts,
            default=[],
            metavar="COUNT,...",
            help=f"exit with 1 where one of these is not zero for the active model: {', '.join(COUNTS)}",
        )
        add_scope(parser)

    def handle(self, *, fail_on: list[str], parked: bool, entity_types: list[str] | None, database: str | None, **options: Any) -> None:
        try:
            found = status(using=database, entity_types=entity_types)
        except EmbeddingsError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            write_json(self.stdout, asdict(found) | {"is_right": found.is_right})
        else:
            write_types(self.stdout, found.types)
            for model in found.models:
                self.stdout.write(plain_line(f"Provider of {model.name} ({model.database}): {model.provider_state}"))
            self._write_times(found)
            self._write_usage(found)
            self._write_parked(found, None if parked else FIRST)
        if wrong := [f"{name} {found.count(name):,}" for name in fail_on if found.count(name)]:
            raise CommandError(f"Not zero: {', '.join(wrong)}.")

    def _write_times(self, found: Status) -> None:
        ages = [report.oldest_pending_seconds for report in found.types if report.oldest_pending_seconds is not None]
        if ages:
            self.stdout.write(f"The oldest pending change is {max(ages):,.0f} s old.")
        for name, moments in (
            ("Keys", [report.keys_compared_at for report in found.types if report.is_registered]),
            ("Contents", [report.contents_compared_at for report in found.types if report.is_registered]),
        ):
            known = [moment for moment in moments if moment is not None]
            when = f"at {min(known):%Y-%m-%d %H:%M:%S %Z} or later" if len(known) == len(moments) and known else "not of every type yet"
            self.stdout.write(f"{name} were last compared to the end: {when}.")

    def _write_usage(self, found: Status) -> None:
        for day in found.usage:
            spent = f"{counted(day.requests, 'request')}, {counted(day.tokens, 'token')}"
            self.stdout.write(f"{day.day}: {spent}, {day.provider} {day.model} ({day.database})")

    def _write_parked(self, found: Status, most: int | None) -> None:
        for row in found.parked[:most]:
            what = f"what depends by {row.path} on {row.entity_id}" if row.path else row.entity_id
            self.stdout.write(f"parked: {row.entity_type} {plain_line(what)}: {plain_line(row.reason, 120)}")
        if most is not None and len(found.parked) > most:
            self.stdout.write(f"... and {len(found.parked) - most:,} more: --parked lists them, embeddings_retry all that there are.")
