"""`manage.py doctor`: what is wrong with the job system, and how to mend it."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

from django.core.management import BaseCommand, CommandParser

from queues.management.arguments import duration
from queues.management.tables import json_text
from queues.operations.diagnosis import PROBE_SECONDS, examine
from queues.operations.health import Level
from queues.operations.servers import Diagnosis
from queues.plain import plain_line

SIGNS = {Level.HEALTHY: "ok      ", Level.WARNING: "warning ", Level.CRITICAL: "critical"}


class Command(BaseCommand):
    help = (
        "Looks at each Redis, queue and schedule, and sends a probe job through each queue that has a worker. "
        "Exit code: 0 all is well, 1 a warning, 2 critical."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
        parser.add_argument(
            "--probe-seconds",
            type=duration,
            default=PROBE_SECONDS,
            metavar="SECONDS",
            help=f"how long to wait for the probe jobs, {PROBE_SECONDS:g} by default; 0 sends none",
        )

    def handle(self, *, json: bool, probe_seconds: float, **options: Any) -> None:
        found: list[Diagnosis] = []
        for diagnosis in examine(probe_seconds=probe_seconds):
            found.append(diagnosis)
            if not json:
                self.stdout.write(_lines(diagnosis))
                self.stdout.flush()
        if json:
            self.stdout.write(json_text([asdict(each) for each in found]))
        sys.exit(max((each.level.severity for each in found), default=0))


def _lines(diagnosis: Diagnosis) -> str:
    line = f"{SIGNS[diagnosis.level]}  {plain_line(diagnosis.subject)}: {plain_line(diagnosis.sentence)}"
    return f"{line}\n{'':10}{plain_line(diagnosis.cure)}" if diagnosis.cure else line
