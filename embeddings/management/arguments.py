"""Arguments that several commands have, and their types."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from datetime import datetime, time
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from embeddings.conf import settings
from embeddings.exceptions import NotRegistered
from embeddings.payloads import known_database
from embeddings.reconciling.report import OPEN, WRONG
from embeddings.registering.registry import registry

COUNTS = (*WRONG, *OPEN)


def counts(text: str) -> list[str]:
    """Names of counts, with commas between them."""
    names = [name.strip().replace("-", "_") for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in COUNTS]:
        raise argparse.ArgumentTypeError(f"unknown count {', '.join(unknown)}: there are {', '.join(COUNTS)}")
    return names


def database(text: str) -> str:
    """An alias of EMBEDDINGS_DATABASES: an argparse type."""
    try:
        return known_database(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_types(parser: CommandParser) -> None:
    parser.add_argument("--type", action="append", dest="entity_types", metavar="TYPE", help="only this entity type (repeatable)")


def add_scope(parser: CommandParser) -> None:
    add_types(parser)
    parser.add_argument("--database", type=database, metavar="ALIAS", help="only this database (default: all of EMBEDDINGS_DATABASES)")


def databases(chosen: str | None) -> tuple[str, ...]:
    return (chosen,) if chosen else settings.databases


def check_types(entity_types: Iterable[str] | None) -> None:
    """Raises CommandError for a type that nobody registers."""
    for entity_type in entity_types or ():
        try:
            registry.get(entity_type)
        except NotRegistered as error:
            raise CommandError(str(error)) from error


def moment(text: str) -> datetime:
    """A date or a date and time, in the current time zone unless it names another: an argparse type."""
    try:
        day = parse_date(text)
        found = datetime.combine(day, time()) if day else parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2026-03-31, or 2026-03-31T08:00.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def positive(text: str) -> int:
    """A number of at least 1: an argparse type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1.")
    return int(text)


def get_user(name: str) -> Any:
    """The user by the name that they log in with. Raises CommandError."""
    model = get_user_model()
    try:
        return model._default_manager.get_by_natural_key(name)
    except model.DoesNotExist:
        raise CommandError(f"There is no user {name!r}.") from None
