import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from embeddings import EmbeddingsError
from embeddings.indexing.cleanup import cleanup


class Command(BaseCommand):
    help = "Removes vectors whose entity is gone or not registered any more."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--yes", action="store_true", help="also when more than a tenth of all would go")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")

    def handle(self, *, dry_run: bool, yes: bool, **options: Any) -> None:
        try:
            result = cleanup(dry_run=dry_run, force=yes)
        except EmbeddingsError as error:
            raise CommandError(f"{error} Nothing was removed; --yes removes them all the same.") from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(result)))
        else:
            self.stdout.write(
                f"{result.entities:,} entities have vectors, {result.orphaned:,} are orphaned, {result.removed:,} were removed."
            )
