"""What several commands read from their command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable

from django.core.management import CommandError

from queues.exceptions import UnknownQueue
from queues.store.queue import Queue, get_queue

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: str) -> float:
    """Seconds of `90`, `90s`, `15m`, `24h`, `7d` or `2w`: an argparse type."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw]?)", text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: write 90s, 15m, 24h, 7d or 2w.")
    return float(match[1]) * SECONDS[match[2]]


def whole_number(text: str) -> int:
    """A number of at least 0: an argparse type."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0.")
    return int(text)


def concurrency(text: str) -> tuple[str, int]:
    """`5`, for every queue, is ("", 5); `emails=5` is ("emails", 5): an argparse type."""
    name, separator, number = text.rpartition("=")
    if not number.isdecimal() or int(number) < 1 or (separator and not name):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of at least 1 nor QUEUE=NUMBER.")
    return name, int(number)


def open_queues(names: Iterable[str]) -> list[Queue]:
    """The queues of these names, each once. Raises CommandError for one that RQ_QUEUES lacks."""
    try:
        return [get_queue(name) for name in dict.fromkeys(names)]
    except UnknownQueue as error:
        raise CommandError(str(error)) from error
