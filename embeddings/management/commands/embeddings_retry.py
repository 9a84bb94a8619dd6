from typing import Any

from django.core.management.base import CommandError, CommandParser

from embeddings.conf import settings
from embeddings.management.arguments import database
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.reports import as_dicts, write_json
from embeddings.management.words import plural
from embeddings.owing.parking import Parked, find_parked, retry_parked
from embeddings.registering.registry import registry
from queues.plain import plain_line


class Command(EmbeddingsCommand):
    help = "Lists what is parked because its job died, with the reasons; retries it where --all or a choice is given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--type", dest="entity_type", metavar="TYPE", help="only this entity type")
        parser.add_argument("--id", action="append", dest="entity_ids", metavar="ID", help="only this entity (repeatable)")
        parser.add_argument("--error", default="", metavar="TEXT", help="only what has this in its reason")
        parser.add_argument("--all", action="store_true", dest="everything", help="all that is parked")
        parser.add_argument("--database", type=database, metavar="ALIAS", help="only this database (default: all of EMBEDDINGS_DATABASES)")
        parser.add_argument("--dry-run", action="store_true", help="only list what would be retried")
        parser.add_argument("--json", action="store_true", help="print the list as JSON")

    def handle(self, *, database: str | None, everything: bool, dry_run: bool, **options: Any) -> None:
        chosen = {name: options[name] for name in ("entity_type", "entity_ids", "error") if options[name]}
        if everything and chosen:
            raise CommandError("--all leaves nothing to choose: give it alone, or --type, --id and --error without it.")
        parked = find_parked(using=database, **chosen)
        if "entity_type" in chosen and not parked and chosen["entity_type"] not in registry:
            known = ", ".join(sorted(embeddable.entity_type for embeddable in registry))
            raise CommandError(f"Nothing of the type {chosen['entity_type']!r} is parked, and nobody registers it: there are {known}.")
        is_retry = bool(everything or chosen) and not dry_run
        count = retry_parked(using=database, **chosen) if is_retry else 0
        if options["json"]:
            write_json(self.stdout, {"retried": count, "parked": as_dicts(parked)})
            return
        for item in parked:
            self.stdout.write(_line(item))
        if is_retry:
            self.stdout.write(f"{count:,} {plural(count, 'was')} enqueued again.")
        else:
            hint = " Retry with --all, or with --type, --id or --error (without --dry-run)." if parked else ""
            self.stdout.write(f"{len(parked):,} {plural(len(parked), 'is')} parked.{hint}")


def _line(item: Parked) -> str:
    name = f"{item.entity_type} by {item.path} {item.entity_id}" if item.path else f"{item.entity_type} {item.entity_id}"
    at = f"{item.parked_at:%Y-%m-%d %H:%M}" if item.parked_at else ""
    where = f" ({item.database})" if len(settings.databases) > 1 else ""
    return f"{at}  {plain_line(name)}{where}: {plain_line(item.reason, 200)}"
