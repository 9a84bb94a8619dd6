"""What a scrape says, sample by sample."""

from __future__ import annotations

from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

ORDER = ("queue", "name", "database", "entity_type", "provider", "model", "status", "state", "outcome", "server", "le")

Samples = dict[tuple[str, ...], float]
"""By the sample's name and the values of its labels in the order above."""


def scrape(program: Client) -> Samples:
    response = program.get("/metrics")
    assert response.status_code == 200, response.content
    return samples_of(response.content.decode())


def samples_of(text: str) -> Samples:
    return {
        (sample.name, *(sample.labels[label] for label in ORDER if label in sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
