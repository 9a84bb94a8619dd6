from typing import Any

from django.core.management.base import CommandError, CommandParser

from embeddings import EmbeddingsError
from embeddings.management.arguments import add_scope, databases
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.reports import as_dicts, write_json
from embeddings.management.words import counted, plural
from embeddings.reconciling.cleanup import Cleanup, cleanup


class Command(EmbeddingsCommand):
    help = "Removes what is stored of entities that are gone, of types that nobody registers any more, and vectors that no state has."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--yes", action="store_true", help="also where more than a tenth of a type would go")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
        add_scope(parser)

    def handle(self, *, dry_run: bool, yes: bool, entity_types: list[str] | None, database: str | None, **options: Any) -> None:
        results: list[Cleanup] = []
        try:
            for using in databases(database):
                results += cleanup(using=using, dry_run=dry_run, force=yes, entity_types=entity_types)
        except EmbeddingsError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            write_json(self.stdout, {"types": as_dicts(results)})
        else:
            for result in results:
                self._write(result)
            if not results:
                self.stdout.write("Nothing is stored, so there is nothing to remove.")
        if refused := [result for result in results if result.is_refused and not dry_run]:
            raise CommandError(" ".join(map(_refusal, refused)) + " --yes removes them all the same.")

    def _write(self, result: Cleanup) -> None:
        name = result.entity_type if result.is_registered else f"{result.entity_type} (unregistered)"
        self.stdout.write(
            f"{name}: {counted(result.entities, 'entity')}, {_of(result.orphaned, 'is')} orphaned, {_of(result.removed, 'was')} removed."
        )


def _of(number: int, verb: str) -> str:
    return f"{number:,} {plural(number, verb)}"


def _refusal(result: Cleanup) -> str:
    cause = "Is its table there?" if result.is_registered else "Nobody registers this type."
    return (
        f"{result.orphaned:,} of {result.entities:,} entities of the type {result.entity_type!r} would be removed, more than a tenth, so "
        f"none of them was. {cause}"
    )
