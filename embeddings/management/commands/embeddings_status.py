from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from embeddings import EmbeddingsError
from embeddings.indexing.reconciler import reconcile
from embeddings.management.reports import write_reports
from embeddings.models import DirtyEntity


class Command(BaseCommand):
    help = "Shows per entity type what is embedded, pending, parked, missing, another owner's or orphaned. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")

    def handle(self, **options: Any) -> None:
        try:
            write_reports(self.stdout, reconcile(dry_run=True), as_json=options["json"])
        except EmbeddingsError as error:
            raise CommandError(str(error)) from error
        if not options["json"]:
            for row in DirtyEntity.objects.parked().order_by("dirtied_at")[:10]:
                self.stdout.write(f"parked: {row.entity_type} {row.entity_id}: {row.parked_reason[:120]}")
