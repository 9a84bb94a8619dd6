"""What the endpoints answer: a queue, a page of jobs, a job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.masking import mask_job
from queues.operations.health import check_queue_health
from queues.store import metrics
from queues.store.connection import translated
from queues.store.finding.pages import Page
from queues.store.metrics import OUTCOMES, Span, Tally
from queues.store.queue import Queue
from queues.store.workers import WorkerInfo

SHOWN = (
    *("id", "name", "state", "owner", "priority", "attempts", "attempts_made", "stalls", "error", "error_class"),
    *("created_at", "started_at", "ended_at", "worker", "progress", "data"),
)


def of_queue(queue: Queue) -> dict[str, Any]:
    """The five states and the rest. Raises RedisUnavailable."""
    health = check_queue_health(queue.name)
    stats = health.stats
    with translated():
        last_hour = metrics.minutes(queue.connection, queue.name)
    return {
        "queue": queue.name,
        **stats.counts(),
        "paused": stats.paused,
        "oldest_waiting_seconds": stats.oldest_waiting_seconds,
        "health": {"level": health.level, "healthy": health.healthy, "findings": [asdict(finding) for finding in health.findings]},
        "slots": stats.concurrency,
        "busy_slots": stats.busy,
        "utilization": stats.utilization,
        "workers": [_of_worker(worker) for worker in queue.workers()],
        "totals": {outcome: getattr(stats, f"{outcome}_total") for outcome in OUTCOMES},
        "last_hour": _of_hour(last_hour),
    }


def of_page(queue: Queue, state: State, page: Page) -> dict[str, Any]:
    """`total`, `looked`, `next` and `previous` are those of Page, the cursors as text."""
    return {
        "queue": queue.name,
        "state": state,
        "jobs": [of_job(job) for job in page.jobs],
        "total": page.total,
        "looked": page.looked,
        "next": str(page.next) if page.next else None,
        "previous": str(page.previous) if page.previous else None,
    }


def of_job(job: Job) -> dict[str, Any]:
    shown = mask_job(job)
    return {field: getattr(shown, field) for field in SHOWN}


def _of_worker(worker: WorkerInfo) -> dict[str, Any]:
    return {**asdict(worker), "is_paused": worker.is_paused}


def _of_hour(minutes: Sequence[Span]) -> dict[str, Any]:
    total = sum((minute.total for minute in minutes), Tally())
    return {
        **{outcome: getattr(total, outcome) for outcome in OUTCOMES},
        "run_seconds": total.run.percentiles(),
        "wait_seconds": total.wait.percentiles(),
        "minutes": [{"start": span.start, "completed": span.total.completed, "failed": span.total.failed} for span in minutes],
    }
