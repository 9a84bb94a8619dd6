"""Arguments that several commands have, and their types."""

from __future__ import annotations

import argparse

from django.core.management.base import CommandParser

from embeddings.conf import settings
from embeddings.reconciling.report import OPEN, WRONG

COUNTS = (*WRONG, *OPEN)


def counts(text: str) -> list[str]:
    """Names of counts, with commas between them."""
    names = [name.strip().replace("-", "_") for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in COUNTS]:
        raise argparse.ArgumentTypeError(f"unknown count {', '.join(unknown)}: there are {', '.join(COUNTS)}")
    return names


def database(text: str) -> str:
    if text not in settings.databases:
        raise argparse.ArgumentTypeError(f"embeddings are kept in {', '.join(settings.databases)} (EMBEDDINGS_DATABASES), not in {text!r}")
    return text


def add_scope(parser: CommandParser) -> None:
    parser.add_argument("--type", action="append", dest="entity_types", metavar="TYPE", help="only this entity type (repeatable)")
    parser.add_argument("--database", type=database, metavar="ALIAS", help="only this database (default: all of EMBEDDINGS_DATABASES)")


def databases(chosen: str | None) -> tuple[str, ...]:
    return (chosen,) if chosen else settings.databases
