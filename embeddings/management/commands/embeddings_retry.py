from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from embeddings.indexing.parking import Parked, find_parked, retry_parked
from embeddings.management.arguments import database
from embeddings.management.reports import as_dicts, write_json


class Command(BaseCommand):
    help = "Lists what is parked because its job died, with the reasons; retries it where --all or a choice is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--type", dest="entity_type", metavar="TYPE", help="only this entity type")
        parser.add_argument("--id", action="append", dest="entity_ids", metavar="ID", help="only this entity (repeatable)")
        parser.add_argument("--error", default="", metavar="TEXT", help="only what has this in its reason")
        parser.add_argument("--all", action="store_true", dest="everything", help="all that is parked")
        parser.add_argument("--database", type=database, default="default", metavar="ALIAS", help="only this database (default: default)")
        parser.add_argument("--dry-run", action="store_true", help="only list what would be retried")
        parser.add_argument("--json", action="store_true", help="print the list as JSON")

    def handle(self, *, database: str, everything: bool, dry_run: bool, **options: Any) -> None:
        chosen = {name: options[name] for name in ("entity_type", "entity_ids", "error") if options[name]}
        if everything and chosen:
            raise CommandError("--all leaves nothing to choose: give it alone, or --type, --id and --error without it.")
        parked = find_parked(using=database, **chosen)
        is_retry = bool(everything or chosen) and not dry_run
        count = retry_parked(using=database, **chosen) if is_retry else 0
        if options["json"]:
            write_json(self.stdout, {"retried": count, "parked": as_dicts(parked)})
            return
        for item in parked:
            self.stdout.write(_line(item))
        if is_retry:
            self.stdout.write(f"{count:,} were enqueued again.")
        else:
            self.stdout.write(f"{len(parked):,} are parked. Retry them with --all, or with --type, --id or --error (without --dry-run).")


def _line(item: Parked) -> str:
    name = f"{item.entity_type} by {item.path} {item.entity_id}" if item.path else f"{item.entity_type} {item.entity_id}"
    at = f"{item.parked_at:%Y-%m-%d %H:%M}" if item.parked_at else ""
    return f"{at}  {name}: {' '.join(item.reason.split())[:200]}"
