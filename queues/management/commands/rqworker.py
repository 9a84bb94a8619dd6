"""`manage.py rqworker`: django-rq's command, with all queues and each queue's serializer as defaults."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

import redis
from django.core.management import CommandError, CommandParser
from django.db import OperationalError, connections
from django_rq.management.commands.rqworker import Command as DjangoRQCommand
from django_rq.workers import get_worker_class

from queues.address import describe, server_key
from queues.management.arguments import concurrency, open_queues
from queues.store.connection import new_connection
from queues.store.keys import PREFIX
from queues.store.queue import Queue, queue_names
from queues.worker import ConcurrentWorker
from queues.worker.options import WorkerOptions

PROBE = f"{PREFIX}:ext:probe"
LEVELS = {0: logging.WARNING, 2: logging.DEBUG, 3: logging.DEBUG}


class Command(DjangoRQCommand):
    help = "Runs a worker for the named queues; for all queues of the first one's Redis when none is named. Ctrl-C stops it."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)  # type: ignore[no-untyped-call]  # django-rq has no annotations
        parser.set_defaults(serializer=None)
        parser.add_argument(
            "--no-schedules", action="store_false", dest="runs_schedules", help="leave it to other workers to add what schedules ask for"
        )
        parser.add_argument(
            "--concurrency",
            action="append",
            type=concurrency,
            metavar="[QUEUE=]N",
            help="jobs at a time, of each queue or of this one, instead of its CONCURRENCY; may be given several times",
        )
        parser.add_argument("--end-with-stdin", action="store_true", help="stop when the standard input ends: for whoever supervises it")

    def handle(self, *names: str, **options: Any) -> None:
        queues = self.prepare(names, options["concurrency"] or [])
        if options["verbosity"] in LEVELS:
            logging.getLogger("queues").setLevel(LEVELS[options["verbosity"]])
        if options["verbosity"] > 0:
            served = ", ".join(queue.name for queue in queues)
            self.stdout.write(f"Serving {served} on {describe(queues[0].config)}. Ctrl-C stops after the running jobs.")
        options["serializer"] = options["serializer"] or queues[0].config.get("SERIALIZER")
        told = WorkerOptions(runs_schedules=options["runs_schedules"], concurrency=_slots(queues, options["concurrency"] or []))
        options["worker_class"] = self._worker_class(options["worker_class"], told)
        if options["end_with_stdin"]:
            threading.Thread(target=_end_with_stdin, name="stdin", daemon=True).start()
        super().handle(*(queue.name for queue in queues), **options)  # type: ignore[no-untyped-call]

    def prepare(self, names: tuple[str, ...], slots: list[tuple[str, int]]) -> list[Queue]:
        """The queues to serve, when all that a worker needs is there. Raises CommandError."""
        queues = self._named(names) if names else self._all()
        _slots(queues, slots)
        self._ping(queues[0])
        self._connect()
        return queues

    def _worker_class(self, named: str | None, options: WorkerOptions) -> type[Any]:
        worker_class: type[Any] = get_worker_class(named)  # type: ignore[no-untyped-call]
        return worker_class.with_options(options) if issubclass(worker_class, ConcurrentWorker) else worker_class

    def _named(self, names: tuple[str, ...]) -> list[Queue]:
        queues = open_queues(names)
        if elsewhere := [queue.name for queue in queues if not _share_a_server(queue, queues[0])]:
            raise CommandError(
                f"A worker serves one Redis: {', '.join(elsewhere)} {'is' if len(elsewhere) == 1 else 'are'} on another than "
                f"{queues[0].name}. Start one more: manage.py rqworker {' '.join(elsewhere)}"
            )
        return queues

    def _all(self) -> list[Queue]:
        queues = open_queues(queue_names())
        if not queues:
            raise CommandError("RQ_QUEUES names no queue.")
        if elsewhere := [queue for queue in queues if not _share_a_server(queue, queues[0])]:
            near = [queue.name for queue in elsewhere if _share_a_server(queue, elsewhere[0])]
            far = len(elsewhere) - len(near)
            self.stderr.write(
                f"Not served, being on another Redis: {', '.join(queue.name for queue in elsewhere)}. "
                f"Start one more: manage.py rqworker {' '.join(near)}{' (and one for each further Redis)' if far else ''}"
            )
        return [queue for queue in queues if queue not in elsewhere]

    def _ping(self, queue: Queue) -> None:
        connection = new_connection(queue.name)
        try:
            connection.ping()
            connection.delete(PROBE)  # which a replica refuses: it could not even tell that it is here
        except redis.RedisError as error:  # a port that is another kind of server's answers, but not as Redis does
            reason = str(error).rstrip(".")
            cure = "Start it, or correct its address or password in RQ_QUEUES."
            raise CommandError(f"No worker without Redis at {describe(queue.config)}: {reason}. {cure}") from error
        finally:
            connection.close()

    def _connect(self) -> None:
        """Better no worker than one whose jobs all fail."""
        for connection in connections.all():
            try:
                connection.ensure_connection()
            except OperationalError as error:
                reason = str(error).strip().splitlines()[0]
                raise CommandError(f"No worker without the database {connection.alias!r}: {reason}") from error


def _slots(queues: list[Queue], told: list[tuple[str, int]]) -> dict[str, int]:
    """Per queue what --concurrency says; what names a queue goes before what does not. Raises CommandError."""
    names = [queue.name for queue in queues]
    if strangers := [name for name, _ in told if name and name not in names]:
        raise CommandError(f"--concurrency names {', '.join(strangers)}, but this worker serves {', '.join(names)}.")
    general = {name: number for each, number in told if not each for name in names}
    return general | {name: number for name, number in told if name}


def _end_with_stdin() -> None:
    while os.read(0, 4096):  # not sys.stdin: its lock, held here, would break the end of the process
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _share_a_server(one: Queue, other: Queue) -> bool:
    return server_key(one.config) == server_key(other.config)
