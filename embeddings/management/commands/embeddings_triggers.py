from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from embeddings.capture.triggers.installation import TriggerState, install, remove, status
from embeddings.exceptions import EmbeddingsError
from embeddings.management.arguments import add_scope, check_types, databases
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.reports import write_json

DONE = {"missing": "installed", "outdated": "renewed", "disabled": "enabled", "leftover": "removed"}


class Command(EmbeddingsCommand):
    help = (
        "Triggers that capture what no signal tells of: SQL, COPY, bulk writes, cascades of the database. They mark what the "
        "statement changed, in its transaction; the sweep sends the jobs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action",
            choices=["install", "remove", "status"],
            help="install what is missing or outdated and remove leftovers; remove all; or compare with what is registered",
        )
        add_scope(parser)
        parser.add_argument("--dry-run", action="store_true", help="only show what would be done")
        parser.add_argument("--json", action="store_true", help="print the triggers as JSON")

    def handle(self, *, action: str, entity_types: list[str] | None, database: str | None, dry_run: bool, **options: Any) -> None:
        if action != "remove":  # those of a type that nobody registers any more can be removed all the same
            check_types(entity_types)
        found = {}
        for using in databases(database):
            try:
                found[using] = self._run(action, using, entity_types or (), dry_run)
            except (EmbeddingsError, DatabaseError) as error:
                raise CommandError(f"{using}: {str(error).strip()}") from error
        if options["json"]:
            rows = [{"database": using, **asdict(state)} for using, states in found.items() for state in states]
            write_json(self.stdout, rows)
        else:
            for using, states in found.items():
                self._write(action, using, states, dry_run)

    def _run(self, action: str, using: str, entity_types: Any, dry_run: bool) -> list[TriggerState]:
        if action == "status":
            return status(using=using, entity_types=entity_types)
        run = install if action == "install" else remove
        return run(using=using, entity_types=entity_types, dry_run=dry_run)

    def _write(self, action: str, using: str, states: list[TriggerState], dry_run: bool) -> None:
        for state in states:
            word = {"status": state.state, "install": DONE.get(state.state, ""), "remove": "removed"}[action]
            self.stdout.write(f"{using:12} {state.entity_type:20} {state.table:32} {'would be ' if dry_run else ''}{word}")
        if not states:
            self.stdout.write(f"{using}: nothing to {'show' if action == 'status' else action}.")
