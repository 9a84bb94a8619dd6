"""`manage.py embeddings_backfill`: embeds what is missing or stale, or everything again."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from embeddings import EmbeddingsError
from embeddings.backfill.estimate import Estimate
from embeddings.backfill.run import Backfill, find_hindrance
from embeddings.backfill.selection import Selection
from embeddings.exceptions import ProviderError
from embeddings.management.arguments import add_types, get_user, moment, positive
from embeddings.management.command import EmbeddingsCommand
from embeddings.management.progress import Progress
from embeddings.management.reports import as_dicts, write_json
from embeddings.management.words import counted, plural
from queues import QueuesError
from queues.plain import plain_line

LOOK_SECONDS = 0.5
HINDRANCE_SECONDS = 5.0
NOTHING = "Nothing is missing or stale."


class Command(EmbeddingsCommand):
    help = (
        "Embeds what is missing or stale: marks it, lets the workers embed it after everybody's own saves, and shows how far they are. "
        "Ctrl-C ends the showing, not the work; the same command goes on. Ends with 1 if entities failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_types(parser)
        parser.add_argument("--user", metavar="NAME", help="only what this user owns")
        parser.add_argument("--since", type=moment, metavar="DATE", help="only rows that changed since, by the model's auto_now field")
        parser.add_argument("--limit", type=positive, metavar="N", help="at most so many entities")
        parser.add_argument("--force", action="store_true", help="everything, whatever is stored")
        parser.add_argument("--dry-run", action="store_true", help="change nothing: show how much it would be, and what it would cost")
        parser.add_argument("--no-wait", action="store_true", help="return as soon as all is marked")
        parser.add_argument("--here", action="store_true", help="embed in this process: no worker is needed")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print the numbers as JSON, and no progress")

    def handle(
        self,
        *,
        entity_types: list[str] | None,
        user: str | None,
        since: Any,
        limit: int | None,
        force: bool,
        dry_run: bool,
        no_wait: bool,
        here: bool,
        as_json: bool,
        **options: Any,
    ) -> None:
        if here and no_wait:
            raise CommandError("--here embeds in this process, so there is nothing that --no-wait could leave to others.")
        selection = Selection(owner_id=None if user is None else get_user(user).pk, since=since)
        self.as_json = as_json
        try:
            self.backfill = Backfill(entity_types, selection, limit=limit, force=force)
            if dry_run:
                self._show_estimate(self.backfill.estimate())
            elif here:
                self._embed_here()
            else:
                self._mark_and_follow(no_wait=no_wait)
        except (EmbeddingsError, QueuesError) as error:
            raise CommandError(str(error)) from error

    def _show_estimate(self, found: Estimate) -> None:
        if self.as_json:
            write_json(self.stdout, asdict(found))
            return
        about = "" if found.is_exact else "about "
        chunks, tokens = counted(found.chunks, "chunk"), counted(found.tokens, "token")
        self.stdout.write(f"{counted(found.entities, 'entity')} would be embedded: {about}{chunks}, {about}{tokens}.")
        if found.dollars is not None:
            price = f"${found.dollars:,.2f}" if found.dollars >= 0.01 or not found.dollars else "less than a cent"
            self.stdout.write(f"At least {counted(found.requests, 'request')}, at most about {price}.")
        else:
            self.stdout.write(f"At least {counted(found.requests, 'request')}. What they cost is not known of this model.")
        if not found.is_exact:
            self.stdout.write(f"Reckoned from {found.sampled:,} of the entities, chosen at random.")
        if found.empty or found.unbuildable:
            self.stdout.write(f"Of those looked at, {found.empty:,} have no content and {found.unbuildable:,} could not be built.")

    def _mark_and_follow(self, *, no_wait: bool) -> None:
        find_hindrance()  # raises where Redis is away, before anything is written
        marked = 0
        try:
            for count in self.backfill.mark():
                marked += count
        except KeyboardInterrupt:
            self._stop(f"Stopped while marking: {counted(marked, 'entity')} {plural(marked, 'is')} marked. The same command goes on.")
        self.backfill.owed.count_from_here()
        why = "" if self.backfill.force else "missing or stale, and "
        self._say(f"{counted(marked, 'entity')} {plural(marked, 'is')} {why}marked." if marked else NOTHING)
        if not no_wait:
            try:
                self._follow()
            except KeyboardInterrupt:
                rest = ", without --force" if self.backfill.force else ""
                self._stop(f"\nNo longer following; the workers go on. The same command{rest} goes on following.")
        self._finish(marked)

    def _follow(self) -> None:
        owed = self.backfill.owed
        total = left = owed.pending()
        looked = -HINDRANCE_SECONDS
        with Progress(self.stdout, total=total, quiet=self.as_json) as progress:
            while left:
                if time.monotonic() - looked >= HINDRANCE_SECONDS:
                    looked = time.monotonic()
                    if hindrance := find_hindrance():
                        progress.say(hindrance)
                        return
                time.sleep(LOOK_SECONDS)
                left = owed.pending()
                progress.reach(total - left)

    def _embed_here(self) -> None:
        total = self.backfill.count()
        self._say(f"{counted(total, 'entity')} to embed in this process." if total else NOTHING)
        with Progress(self.stdout, total=total, quiet=self.as_json) as progress:

            def wait(seconds: float, error: ProviderError) -> None:
                progress.say(plain_line(f"{error} Going on in {seconds:.0f} s."))
                time.sleep(seconds)

            try:
                self.backfill.embed_here(wait, lambda count: progress.reach(progress.done + count))
            except KeyboardInterrupt:
                again = "The same command goes on" if not self.backfill.force else "--force begins anew, the command without it goes on"
                self._stop(f"\nStopped after {progress.done:,} of {total:,} entities. {again}.")
        self._finish(total)

    def _finish(self, marked: int) -> None:
        owed = self.backfill.owed
        pending, failed = owed.pending(), owed.parked()
        reasons = owed.reasons()
        if self.as_json:
            facts = {"marked": marked, "pending": pending, "failed": failed, "failures": as_dicts(reasons)}
            write_json(self.stdout, facts)
        for reason in [] if self.as_json else reasons:
            self.stdout.write(f"failed: {reason.entity_type} {plain_line(reason.entity_id)}: {plain_line(reason.reason, 200)}")
        if failed:
            what = f"{counted(failed, 'entity')} could not be embedded, and {plural(failed, 'is')} parked"
            raise CommandError(f"{what}: a new save or this command tries again.")
        self._say(f"{pending:,} {'waits' if pending == 1 else 'wait'} for a worker." if pending else "All are embedded.")

    def _stop(self, text: str) -> None:
        self._say(text)
        raise SystemExit(130)

    def _say(self, text: str) -> None:
        if not self.as_json:
            self.stdout.write(text)
