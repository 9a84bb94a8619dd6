from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from embeddings import EmbeddingsError
from embeddings.indexing.reconciler import reconcile
from embeddings.indexing.sweep import sweep_all
from embeddings.management.reports import write_reports
from queues import QueuesError


class Command(BaseCommand):
    help = "Compares the index with the tables and enqueues the difference: rows written without signals, lost jobs, orphans."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would be enqueued")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        try:
            reports = reconcile(dry_run=dry_run)
            if not dry_run:
                sweep_all()
        except (EmbeddingsError, QueuesError) as error:
            raise CommandError(str(error)) from error
        write_reports(self.stdout, reports, as_json=options["json"])
        if not options["json"]:
            count = sum(report.missing + report.wrong_owner + report.orphaned + report.pending for report in reports)
            self.stdout.write(f"{count:,} entities {'would be' if dry_run else 'were'} enqueued.")
