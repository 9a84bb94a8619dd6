"""`manage.py queue_token`."""

from __future__ import annotations

import argparse
import re
from typing import Any

from django.core.management import BaseCommand, CommandParser

from queues.api.tokens import hash_of, new_token


class Command(BaseCommand):
    help = "Makes a token with which a program may read the queues' endpoints. It is shown once; the settings get its hash."
    requires_system_checks: list[str] = []  # a wrong hash in the settings must not stand in the way of a right one

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", default="monitoring", type=_name, help="whose it is, for the log; monitoring by default")

    def handle(self, *, name: str, **options: Any) -> None:
        token = new_token()
        self.stdout.write(f"The token, shown only now:\n  {token}\nFor the settings:\n  QUEUES_API_TOKENS = {{")
        self.stdout.write(f'      "{name}": "{hash_of(token)}",\n  }}')


def _name(text: str) -> str:
    if not re.fullmatch(r"[\w.-]{1,50}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no name: letters, digits, dots, underscores and hyphens, 50 at most")
    return text
