"""Reports of the commands, as a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from django.core.management.base import OutputWrapper
from django.core.serializers.json import DjangoJSONEncoder

from embeddings.reconciling.report import OPEN, WRONG, TypeReport

ALWAYS = ("rows", "embedded", "empty", "excluded", "pending", "parked", "failed", "missing", "stale", "wrong_owner", "orphaned")
"""Columns that are shown even where all is zero."""


def write_json(stdout: OutputWrapper, report: Any) -> None:
    """Dates, times, decimals and UUIDs as strings."""
    stdout.write(json.dumps(report, cls=DjangoJSONEncoder, indent=2))


def write_types(stdout: OutputWrapper, reports: Sequence[TypeReport]) -> None:
    """A line a type; what is wrong has a column only where there is some of it."""
    rarely = [name for name in (*WRONG, "failing", *OPEN) if name not in ALWAYS and any(report.count(name) for report in reports)]
    columns = [*ALWAYS, *rarely, "tokens"]
    for heading, group in _groups(reports):
        stdout.write(heading)
        stdout.write("  ".join([f"{'entity type':20}", *(f"{column.replace('_', ' '):>11}" for column in columns)]))
        for report in group:
            name = report.entity_type if report.is_registered else f"{report.entity_type} (unregistered)"
            stdout.write("  ".join([f"{name:20}", *(f"{report.count(column):>11,}" for column in columns)]))


def _groups(reports: Iterable[TypeReport]) -> list[tuple[str, list[TypeReport]]]:
    """By database and model."""
    groups: dict[str, list[TypeReport]] = {}
    for report in reports:
        is_active = "" if report.is_active else ", not active"
        groups.setdefault(f"Model in {report.database}: {report.model}{is_active}", []).append(report)
    return list(groups.items())


def as_dicts(items: Iterable[Any]) -> list[dict[str, Any]]:
    return [asdict(item) for item in items]
