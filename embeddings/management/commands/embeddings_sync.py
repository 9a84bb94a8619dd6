from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from embeddings import EmbeddingsError
from embeddings.management.arguments import add_scope, databases
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.reports import as_dicts, write_json, write_types
from embeddings.management.words import counted, plural
from embeddings.reconciling.reconciler import reconcile
from embeddings.reconciling.report import TypeReport
from embeddings.reconciling.sweep import sweep_all
from queues import QueuesError


class Command(EmbeddingsCommand):
    help = "Compares the index with the tables and enqueues the difference: rows written without signals, lost jobs, orphans."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only show what would be enqueued")
        parser.add_argument("--full", action="store_true", help="compare contents too, by loading every row; goes on after Ctrl-C")
        parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
        add_scope(parser)

    def handle(self, *, dry_run: bool, full: bool, entity_types: list[str] | None, database: str | None, **options: Any) -> None:
        self._bar: tqdm[Any] | None = None
        reports: list[TypeReport] = []
        try:
            for using in databases(database):
                reports += reconcile(using=using, dry_run=dry_run, full=full, entity_types=entity_types, on_progress=self._show)
                if not dry_run:
                    sweep_all(using=using)
        except (EmbeddingsError, QueuesError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. What was found so far is enqueued; run it again to go on.", returncode=130) from error
        finally:
            self._close()
        if options["json"]:
            write_json(self.stdout, {"types": as_dicts(reports)})
            return
        write_types(self.stdout, reports)
        entities, fan_outs = sum(report.wrong + report.pending for report in reports), sum(report.fan_outs for report in reports)
        what = counted(entities, "entity") + (f" and {counted(fan_outs, 'fan-out')}" if fan_outs else "")
        self.stdout.write(f"{what} {'would be' if dry_run else plural(entities + fan_outs, 'was')} enqueued.")

    def _show(self, entity_type: str, done: int, total: int) -> None:
        """Rows a second and the time left, on stderr."""
        if self._bar is None or self._bar.desc != f"{entity_type}: ":
            self._close()
            self._bar = tqdm(desc=entity_type, total=total, initial=0, unit=" rows", file=self.stderr, dynamic_ncols=True)
        self._bar.update(done - self._bar.n)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
