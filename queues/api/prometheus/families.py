"""The families that a scrape gives of the queues. No job id, owner or error text is a label: those have no end."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

QUEUE = ("queue",)


class QueueFamilies:
    """All of them, empty. The first two are named and labelled as django-rq's are, so that dashboards for it go on working."""

    def __init__(self) -> None:
        self.jobs = GaugeMetricFamily("rq_jobs", "Jobs by RQ's status; finished and failed are those still kept", labels=(*QUEUE, "status"))
        self.rq_workers = GaugeMetricFamily("rq_workers", "Living workers, 1 each", labels=("name", "state", "queues"))
        self.up = GaugeMetricFamily("queues_up", "Whether this Redis answered", labels=("server",))
        self.readable = GaugeMetricFamily("queues_readable", "0: a key of the queue has another's type, and nobody serves it", labels=QUEUE)
        self.total = CounterMetricFamily(
            "queues_jobs", "What became of jobs: completed, failed for good, retried, stalled", labels=(*QUEUE, "name", "outcome")
        )
        self.run = HistogramMetricFamily("queues_run_seconds", "How long attempts ran", labels=(*QUEUE, "name"))
        self.wait = HistogramMetricFamily("queues_wait_seconds", "How long attempts waited for their start", labels=(*QUEUE, "name"))
        self.oldest = GaugeMetricFamily("queues_oldest_waiting_seconds", "Since when the oldest waiting job waits; 0: none", labels=QUEUE)
        self.paused = GaugeMetricFamily("queues_paused", "Whether the queue is paused", labels=QUEUE)
        self.workers = GaugeMetricFamily("queues_workers", "Living workers that serve the queue", labels=QUEUE)
        self.slots = GaugeMetricFamily("queues_slots", "Calls that living workers can run at once", labels=QUEUE)
        self.busy = GaugeMetricFamily("queues_busy_slots", "Calls that run now", labels=QUEUE)
        self.capacity = GaugeMetricFamily("queues_capacity", "Jobs that fit into the slots, batches full", labels=QUEUE)
        self.utilization = GaugeMetricFamily("queues_utilization_ratio", "Busy slots of all slots, 0 to 1", labels=QUEUE)

    def __iter__(self) -> Iterator[Metric]:
        yield from vars(self).values()
