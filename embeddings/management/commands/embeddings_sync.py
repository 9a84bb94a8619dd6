from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser

from embeddings import EmbeddingsError
from embeddings.management.arguments import add_scope, databases
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.progress import Progress
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
        self._progress: dict[str, Progress] = {}
        reports: list[TypeReport] = []
        try:
            for using in databases(database):
                reports += reconcile(
                    using=using, dry_run=dry_run, full=full, entity_types=entity_types, on_progress=partial(self._show, using)
                )
                if not dry_run:
                    sweep_all(using=using)
        except (EmbeddingsError, QueuesError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. What was found so far is enqueued; run it again to go on.", returncode=130) from error
        finally:
            for progress in self._progress.values():
                progress.close()
        if options["json"]:
            write_json(self.stdout, {"types": as_dicts(reports)})
            return
        write_types(self.stdout, reports)
        entities, fan_outs = sum(report.wrong + report.pending for report in reports), sum(report.fan_outs for report in reports)
        what = counted(entities, "entity") + (f" and {counted(fan_outs, 'fan-out')}" if fan_outs else "")
        self.stdout.write(f"{what} {'would be' if dry_run else plural(entities + fan_outs, 'was')} enqueued.")

    def _show(self, using: str, entity_type: str, done: int, total: int) -> None:
        """Rows a second and the time left, apart from the report."""
        label = f"{entity_type} ({using})"
        if label not in self._progress:
            if done:
                earlier = (
                    f"{counted(done, 'entity')} of this comparison {plural(done, 'was')} compared earlier, by a run that was interrupted."
                )
                self.stderr.write(f"{label}: {earlier} What was written there since is found by the next run.")
            self._progress[label] = Progress(self.stderr, total=total, done=done, label=label)
        self._progress[label].reach(done)
