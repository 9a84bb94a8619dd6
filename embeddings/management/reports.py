"""Reports of the commands, as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from django.core.management.base import OutputWrapper

from embeddings.indexing.reconciler import TypeReport
from embeddings.models import EmbeddingModel

COLUMNS = ("rows", "embedded", "pending", "parked", "missing", "wrong_owner", "orphaned")


def write_reports(stdout: OutputWrapper, reports: Sequence[TypeReport], *, as_json: bool) -> None:
    model = EmbeddingModel.objects.active()
    if as_json:
        facts = {"provider": model.provider, "name": model.name, "dimensions": model.dimensions}
        stdout.write(json.dumps({"model": facts, "entity_types": [asdict(report) for report in reports]}, indent=2))
        return
    stdout.write(f"Model: {model}")
    stdout.write("  ".join([f"{'entity type':20}", *(f"{column.replace('_', ' '):>11}" for column in COLUMNS)]))
    for report in reports:
        stdout.write("  ".join([f"{report.entity_type:20}", *(f"{getattr(report, column):>11,}" for column in COLUMNS)]))
