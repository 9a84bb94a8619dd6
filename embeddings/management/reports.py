"""Reports of the commands, as a table or as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from django.core.management.base import OutputWrapper
from django.core.serializers.json import DjangoJSONEncoder

from embeddings.indexing.reconciler import TypeReport
from embeddings.models import EmbeddingModel
from embeddings.providers.gate import provider_state

COLUMNS = ("rows", "embedded", "pending", "parked", "missing", "wrong_owner", "orphaned")


def write_reports(stdout: OutputWrapper, reports: Sequence[TypeReport], *, as_json: bool) -> None:
    model = EmbeddingModel.objects.active()
    state = provider_state(model)
    if as_json:
        facts = {"provider": model.provider, "name": model.name, "dimensions": model.dimensions}
        answer = {"model": facts, "provider_state": asdict(state), "entity_types": [asdict(report) for report in reports]}
        stdout.write(json.dumps(answer, indent=2, cls=DjangoJSONEncoder))
        return
    stdout.write(f"Model: {model}")
    stdout.write(f"Provider: {state}")
    stdout.write("  ".join([f"{'entity type':20}", *(f"{column.replace('_', ' '):>11}" for column in COLUMNS)]))
    for report in reports:
        stdout.write("  ".join([f"{report.entity_type:20}", *(f"{getattr(report, column):>11,}" for column in COLUMNS)]))
