"""The queues as Prometheus sees them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from prometheus_client.core import Metric

from queues.api.prometheus.families import QueueFamilies
from queues.api.prometheus.histograms import buckets_of
from queues.api.prometheus.names import capped
from queues.api.prometheus.reading import QueueReading, ServerReading, read_server
from queues.exceptions import RedisUnavailable
from queues.jobs.states import RQ_STATUS
from queues.operations.health import capacity_of
from queues.store.at_once import at_once
from queues.store.metrics import OUTCOMES, Tally
from queues.store.servers import Server, servers

log = logging.getLogger("queues")

MOST_WORKERS = 1000


class QueuesCollector:
    """Reads each Redis once a scrape. One that is away is told by queues_up, and all such cost a second; the others' queues are there."""

    def describe(self) -> Iterable[Metric]:
        return QueueFamilies()

    def collect(self) -> Iterable[Metric]:
        families = QueueFamilies()
        for where, reading in at_once(_ask, servers()):
            families.up.add_metric((where,), int(reading is not None))
            if reading is not None:
                _add_server(families, reading)
        return families


def _ask(server: Server) -> tuple[str, ServerReading | None]:
    """Where it is, and what was read there: None if it does not answer."""
    try:
        return server.where, read_server(server.connection, server.names)
    except RedisUnavailable as error:
        log.warning("Redis at %s was not read for Prometheus: %s", server.where, error)
        return server.where, None


def _add_server(families: QueueFamilies, reading: ServerReading) -> None:
    for worker in reading.workers[:MOST_WORKERS]:
        families.rq_workers.add_metric((worker.name, worker.state, ",".join(worker.queues)), 1)
    for name, queue in reading.queues.items():
        families.readable.add_metric((name,), int(queue is not None))
        if queue is not None:
            _add_state(families, name, queue)
            _add_counts(families, name, capped(queue.counts, name))


def _add_state(families: QueueFamilies, name: str, queue: QueueReading) -> None:
    stats = queue.stats
    for state, status in RQ_STATUS.items():
        families.jobs.add_metric((name, status), getattr(stats, state))
    families.jobs.add_metric((name, "deferred"), queue.deferred)
    families.oldest.add_metric((name,), stats.oldest_waiting_seconds or 0)
    families.paused.add_metric((name,), int(stats.paused))
    families.workers.add_metric((name,), stats.workers)
    families.slots.add_metric((name,), stats.concurrency)
    families.busy.add_metric((name,), stats.busy)
    families.capacity.add_metric((name,), capacity_of(name, stats.concurrency))
    families.utilization.add_metric((name,), stats.utilization or 0)


def _add_counts(families: QueueFamilies, queue: str, counts: Mapping[str, Tally]) -> None:
    for name, tally in counts.items():
        for outcome in OUTCOMES:
            families.total.add_metric((queue, name, outcome), getattr(tally, outcome))
        if tally.run.count:
            families.run.add_metric((queue, name), buckets_of(tally.run), tally.run_seconds)
        if tally.wait.count:
            families.wait.add_metric((queue, name), buckets_of(tally.wait), tally.wait_seconds)
