"""`manage.py rqworker-pool`: several workers under one process, in place of django-rq's command, whose workers are not ours."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management import CommandError, CommandParser
from django.db import connections
from django.utils.autoreload import get_child_arguments

from queues.management.arguments import whole_number
from queues.management.commands.rqworker import Command as RQWorkerCommand
from queues.worker.processes import Processes


class Command(RQWorkerCommand):
    help = "Runs several rqworker processes with the same options. One that dies is started again. Ctrl-C stops them all."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--num-workers", type=whole_number, default=1, metavar="N", help="how many processes; 1 by default")

    def run_from_argv(self, argv: list[str]) -> None:
        self.given = argv[2:]
        super().run_from_argv(argv)

    def handle(self, *names: str, **options: Any) -> None:
        given = getattr(self, "given", None)
        if given is None:
            raise CommandError("rqworker-pool starts processes with its own command line, so it runs from one only.")
        if options["num_workers"] < 1:
            raise CommandError("--num-workers must be at least 1.")
        self.prepare(names, options["concurrency"] or [])
        connections.close_all()
        if options["pid"]:
            Path(options["pid"]).expanduser().write_text(str(os.getpid()))
        own, rest = _split(given)
        start = [*get_child_arguments()[: -len(sys.argv[1:])], "rqworker", *rest, "--end-with-stdin"]
        processes = Processes(
            options["num_workers"],
            lambda number: [*start, *(["--name", f"{own.name}-{number}"] if own.name else [])],
            ends_by_itself=options["burst"] or options["max_idle_time"] is not None,
        )
        sys.exit(processes.run())


def _split(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """What concerns the pool, and what each rqworker gets as it was given."""
    parser = argparse.ArgumentParser(add_help=False)
    for option in ("--num-workers", "--pid", "--name"):
        parser.add_argument(option)
    return parser.parse_known_args(arguments)
