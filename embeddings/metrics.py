"""The embeddings as Prometheus sees them: what is owed, what it cost today, whether providers serve."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.db import Error, connections, transaction
from django.db.models import Count, Min, Sum
from django.db.models.functions import Now
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from embeddings.conf import settings
from embeddings.models import DirtyEntity, EmbeddingModel, EmbeddingUsage, FanOut
from embeddings.models.owed import PENDING
from embeddings.names import EMBEDDINGS
from embeddings.providers.gate import read_troubles
from embeddings.registering.registry import registry
from queues import QueuesError, get_queue

log = logging.getLogger("embeddings")

LONGEST_MS = 1000
"""A statement that takes longer is given up: a scrape must not become a load of its own."""
STATES = ("serving", "rate_limit", "outage", "circuit")
MODEL = ("provider", "model")
COUNTS = {"pending": Count("pk", filter=PENDING), "parked": Count("pk", filter=~PENDING)}


class EmbeddingsFamilies:
    """All of them, empty. No owner, entity id or error text is a label."""

    def __init__(self) -> None:
        self.up = GaugeMetricFamily("embeddings_up", "Whether this database answered", labels=("database",))
        self.dirty = GaugeMetricFamily("embeddings_dirty_rows", "Entities that are owed", labels=("database", "entity_type", "state"))
        self.fan_outs = GaugeMetricFamily(
            "embeddings_fan_outs", "Changed rows whose dependants are to be marked", labels=("database", "entity_type", "state")
        )
        self.oldest = GaugeMetricFamily("embeddings_oldest_pending_seconds", "Since when the oldest entity is owed", labels=("database",))
        self.requests = CounterMetricFamily(
            "embeddings_provider_requests", "Of this UTC day, anew at midnight; each for every owner in it", labels=("database", *MODEL)
        )
        self.tokens = CounterMetricFamily("embeddings_tokens", "Of this UTC day, anew at midnight", labels=("database", *MODEL))
        self.state = GaugeMetricFamily(
            "embeddings_provider_state", "1 for the state that the provider is in, 0 for all others", labels=(*MODEL, "state")
        )
        self.retry = GaugeMetricFamily("embeddings_provider_retry_seconds", "How long nobody asks the provider yet", labels=MODEL)

    def __iter__(self) -> Iterator[Metric]:
        yield from vars(self).values()


class EmbeddingsCollector:
    """Four statements a database and a few reads of Redis; what does not answer is left out and told by embeddings_up or queues_up."""

    def describe(self) -> Iterable[Metric]:
        return EmbeddingsFamilies()

    def collect(self) -> Iterable[Metric]:
        families, models = EmbeddingsFamilies(), set[tuple[str, str]]()
        for alias in settings.databases:
            try:
                reading = read_database(alias)
            except Error as error:
                log.warning("The database %s was not read for Prometheus: %s", alias, error)
                families.up.add_metric((alias,), 0)
            else:
                _add_database(families, alias, reading)
                models |= reading.usage.keys()
        try:
            _add_providers(families, models)
        except (redis.RedisError, QueuesError) as error:
            log.warning("The state of providers was not read for Prometheus: %s", error)
        return families


@dataclass(frozen=True, kw_only=True)
class DatabaseReading:
    """Rows of what is owed by entity type; requests and tokens by provider and model, 0 for a model that is in use and was not asked."""

    dirty: list[dict[str, Any]]
    fan_outs: list[dict[str, Any]]
    usage: dict[tuple[str, str], tuple[int, int]]


def read_database(alias: str) -> DatabaseReading:
    """Raises django.db.Error."""
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_MS}")
        dirty: Any = (
            DirtyEntity.objects.using(alias).values("entity_type").annotate(**COUNTS, age=Now() - Min("dirtied_at", filter=PENDING))
        )
        fan_outs: Any = FanOut.objects.using(alias).values("entity_type").annotate(**COUNTS)
        today = EmbeddingUsage.objects.using(alias).filter(day=datetime.now(UTC).date())
        spent = today.values_list(*MODEL).annotate(Sum("requests"), Sum("tokens"))
        used = EmbeddingModel.objects.using(alias).exclude(status=EmbeddingModel.Status.RETIRED).values_list("provider", "name")
        usage = dict.fromkeys(used, (0, 0)) | {(row[0], row[1]): (row[2], row[3]) for row in spent}
        return DatabaseReading(dirty=list(dirty), fan_outs=list(fan_outs), usage=usage)


def _add_database(families: EmbeddingsFamilies, alias: str, reading: DatabaseReading) -> None:
    families.up.add_metric((alias,), 1)
    for family, rows in ((families.dirty, reading.dirty), (families.fan_outs, reading.fan_outs)):
        counts = {embeddable.entity_type: dict.fromkeys(COUNTS, 0) for embeddable in registry} | {row["entity_type"]: row for row in rows}
        for entity_type, count in counts.items():
            for state in COUNTS:
                family.add_metric((alias, entity_type, state), count[state])
    ages = [row["age"].total_seconds() for row in reading.dirty if row["age"]]
    families.oldest.add_metric((alias,), max(ages, default=0.0))
    for model, (requests, tokens) in sorted(reading.usage.items()):
        families.requests.add_metric((alias, *model), requests)
        families.tokens.add_metric((alias, *model), tokens)


def _add_providers(families: EmbeddingsFamilies, models: set[tuple[str, str]]) -> None:
    """Raises RedisError, QueuesError."""
    troubles = {(state.provider, state.model): state for state in read_troubles(get_queue(EMBEDDINGS).connection)}
    for model in sorted(models | troubles.keys()):
        trouble = troubles.get(model)
        kind = trouble.kind if trouble else "serving"
        for state in STATES:
            families.state.add_metric((*model, state), int(state == kind))
        families.retry.add_metric(model, trouble.retry_in_seconds if trouble else 0)
