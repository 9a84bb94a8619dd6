import argparse
import signal

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from tqdm import tqdm

from embeddings import EmbeddingsError
from embeddings.management.arguments import positive
from queues.exceptions import QueuesError
from theo.demo import site
from theo.demo.account import Account, ensure_admin
from theo.demo.alone import alone
from theo.demo.entities import load_entities
from theo.demo.places import MissingCities, load_places
from theo.demo.searches import build_table, run_searches
from theo.demo.worker import Drained, WorkerFailed, count_owed, drain, enqueue_what_was_lost


def port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError("must be between 1 and 65535")
    return number


class Command(BaseCommand):
    help = "Sets up a database with sample data, embeds it with a real worker, searches it, and serves the site until Ctrl-C."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="Exit after the searches: 0 when they found what they should, else 1.")
        parser.add_argument("--places", type=positive, metavar="N", help="Load and embed the N largest cities of the world too.")
        parser.add_argument("--port", type=port, default=8000, help="Where to serve the site (default %(default)s).")
        parser.add_argument("--password", default="", help="The admin's password (default: a new random one at each run).")

    def handle(self, *, once: bool, places: int | None, port: int, password: str, **_):
        if not (settings.DEBUG or settings.THEO_EMBEDDED):
            raise CommandError(
                "The demo resets the admin's password and adds sample data, so it runs only with DEBUG=1 or THEO_EMBEDDED=1."
            )
        if not once and not site.is_port_free(port):
            raise CommandError(f"Port {port} is in use. Choose another (make demo PORT=8001, or --port 8001), or stop what listens there.")
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way of stopping stops the children too
        try:
            self._run(once=once, places=places, port=port, password=password)
        except (MissingCities, WorkerFailed, site.SiteFailed, EmbeddingsError, QueuesError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped before the end. What was saved stays; run it again to go on.", returncode=130) from error
        finally:
            signal.signal(signal.SIGTERM, previous)

    def _run(self, *, once: bool, places: int | None, port: int, password: str) -> None:
        with alone(self.stdout.write):
            call_command("migrate", verbosity=0)
            account = ensure_admin(password)
            self.stdout.write(f"Admin user: {account.name}   Password: {account.password}")
            self._load(account, places)
        self._embed()
        is_as_expected = self._search(account)
        if not once:
            site.serve(port, lambda url: self._announce(url, account))
            self.stdout.write("Stopped.")
        elif not is_as_expected:
            raise CommandError("A search did not find what it should.")
        else:
            self.stdout.write("All is well. Without --once the site and its admin are served too.")

    def _load(self, account: Account, places: int | None) -> None:
        loaded = load_entities(account.user)
        self.stdout.write(f"Sample data: {loaded.created} entities saved, {loaded.present} were there.")
        if places:
            with self._bar(places, "Saving cities") as bar:
                loaded = load_places(account.user, places, bar.update)
            self.stdout.write(f"Cities: {loaded.created:,} saved, {loaded.present:,} were there.")

    def _embed(self) -> None:
        enqueue_what_was_lost()
        if owed := count_owed():
            with self._bar(owed, "Embedding") as bar:
                drained = drain(lambda done: bar.update(done - bar.n))
            self._report(drained)
        else:
            self.stdout.write("Embedded: everything was already.")

    def _report(self, drained: Drained) -> None:
        self.stdout.write(f"Embedded: {drained.entities:,} entities in {drained.seconds:.1f} s, {drained.entities_a_second:,.0f} a second.")
        if drained.parked:
            self.stderr.write(f"{drained.parked:,} entities could not be embedded; manage.py embeddings_status says why.")

    def _search(self, account: Account) -> bool:
        found = run_searches(account.user)
        self.stdout.write("Searches, with their best hits and the similarity:")
        self.stdout.write(build_table(found))
        return all(one.is_as_expected for one in found)

    def _announce(self, url: str, account: Account) -> None:
        self.stdout.write(f"\nTheo is at {url} and its admin at {url}admin/ until Ctrl-C.")
        self.stdout.write(f"Log in as {account.name} with the password {account.password}")
        self.stdout.write(f"Try a search, or look at the queues: {url}admin/queues/queue/")

    def _bar(self, total: int, title: str) -> tqdm:
        return tqdm(total=total, desc=title, unit=" entities", file=self.stderr, dynamic_ncols=True, disable=not self.stderr.isatty())
