"""What `doctor` looks at, in order: servers, queues, schedules, and a probe through each queue that somebody serves."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from typing import Any

from queues.conf import settings
from queues.exceptions import RedisUnavailable
from queues.operations.health import Finding, Level, check_queue_health
from queues.operations.probe import Passage, send_probes
from queues.operations.schedules import get_schedules
from queues.operations.servers import Diagnosis, examine_server
from queues.store import keys
from queues.store.connection import translated
from queues.store.queue import Queue, queue_names
from queues.store.servers import servers
from queues.store.stats import QueueStats

MISSED_SECONDS = 120.0
PROBE_SECONDS = 10.0

CURES = {
    "waiting": "Start more workers, or raise the queue's CONCURRENCY.",
    "oldest_waiting_seconds": "Start more workers, or raise the queue's CONCURRENCY.",
    "workers": "Start one: manage.py rqworker {queue}",
    "failed": "Look at them: manage.py queue_jobs {queue} --state failed. Then queue_retry or queue_clean them.",
    "delayed": "See them: manage.py queue_jobs {queue} --state delayed. If so many are normal, raise the threshold in QUEUES_HEALTH.",
    "active": "Workers died: see their logs, and start one, which takes their jobs back: manage.py rqworker {queue}",
    "paused": "When it may go on: manage.py queue_resume {queue}",
}


def examine(*, probe_seconds: float = PROBE_SECONDS) -> Iterator[Diagnosis]:
    """Everything, each as it is found; 0 seconds send no probe. Never raises for a Redis that is away."""
    awake: list[Queue] = []
    for server in servers():
        where = f"Redis at {server.where}"
        try:
            yield from examine_server(where, server.connection)
            awake += server.queues
        except RedisUnavailable as error:
            cure = f"Start it, or correct its address or password in RQ_QUEUES (of {', '.join(server.names)})."
            yield Diagnosis(subject=where, level=Level.CRITICAL, sentence=str(error), cure=cure)
    probed: list[tuple[Queue, QueueStats]] = []
    try:
        for queue in awake:
            stats = yield from _queue_or_trouble(queue)
            if stats and stats.workers and not stats.paused:
                probed.append((queue, stats))
        if len(awake) == len(queue_names()):
            yield from _schedules()
        if probe_seconds:
            yield from _probes(probed, probe_seconds)
    except RedisUnavailable as error:
        yield Diagnosis(subject="Redis", level=Level.CRITICAL, sentence=str(error), cure="It went away meanwhile: run doctor again.")


def _queue_or_trouble(queue: Queue) -> Generator[Diagnosis, None, QueueStats | None]:
    """What cannot be read, as a stranger's key stands in its place, hides no other queue."""
    try:
        return (yield from _queue(queue))
    except RedisUnavailable as error:
        cure = "See who wrote that key, and delete it. If Redis went away meanwhile, run doctor again."
        yield Diagnosis(subject=queue.name, level=Level.CRITICAL, sentence=str(error), cure=cure)
        return None


def _queue(queue: Queue) -> Generator[Diagnosis, None, QueueStats]:
    health = check_queue_health(queue.name)
    stats = health.stats
    findings = [_of_finding(queue, finding) for finding in health.findings]
    if not stats.workers and not any(finding.metric == "workers" for finding in health.findings):
        cure = CURES["workers"].format(queue=queue.name)
        findings.append(Diagnosis(subject=queue.name, level=Level.WARNING, sentence="No worker serves the queue.", cure=cure))
    findings += _stale_leases(queue)
    workers = "1 worker" if stats.workers == 1 else f"{stats.workers} workers"
    well = f"{workers}, {stats.busy} of {stats.concurrency} slots busy, {stats.waiting} waiting, {stats.failed} failed."
    yield from findings or [Diagnosis(subject=queue.name, sentence=well)]
    return stats


def _of_finding(queue: Queue, finding: Finding) -> Diagnosis:
    cure = CURES[finding.metric].format(queue=queue.name)
    return Diagnosis(subject=queue.name, level=finding.level, sentence=finding.sentence, cure=cure)


def _stale_leases(queue: Queue) -> list[Diagnosis]:
    """Workers take back what is overdue every ten seconds; what lies there for a lease longer, nobody takes."""
    with translated():
        answer: Any = queue.connection.time()
        count = int(queue.connection.zcount(keys.leases(queue.name), "-inf", answer[0] - settings.lease_seconds))
    if not count:
        return []
    sentence = f"{count} {'job belongs' if count == 1 else 'jobs belong'} to workers that are gone, and nobody takes them back."
    return [Diagnosis(subject=queue.name, level=Level.CRITICAL, sentence=sentence, cure=CURES["workers"].format(queue=queue.name))]


def _schedules() -> Iterator[Diagnosis]:
    now = time.time()
    for info in get_schedules():
        slot = info.schedule.latest_slot(now)
        if info.is_disabled or info.last_at is None or now < slot + MISSED_SECONDS or info.last_at.timestamp() >= slot:
            continue
        sentence = f"It was due at {datetime.fromtimestamp(slot, UTC):%Y-%m-%d %H:%M}Z and last ran at {info.last_at:%Y-%m-%d %H:%M}Z."
        cure = f"Start a worker without --no-schedules, or see whether its last run waits: queue_schedules --history {info.name}"
        yield Diagnosis(subject=f"schedule {info.name}", level=Level.WARNING, sentence=sentence, cure=cure)


def _probes(served: list[tuple[Queue, QueueStats]], seconds: float) -> Iterator[Diagnosis]:
    passages = send_probes((queue.name for queue, _ in served), timeout_seconds=seconds)
    for queue, stats in served:
        yield _of_passage(queue.name, stats, passages[queue.name], seconds)


def _of_passage(queue: str, stats: QueueStats, passage: Passage, seconds: float) -> Diagnosis:
    if passage.was_refused:
        sentence, cure = "A worker took the probe and could not run it.", "Its code is another: restart the workers after each deployment."
        return Diagnosis(subject=queue, level=Level.CRITICAL, sentence=sentence, cure=cure)
    if passage.started_seconds is not None and passage.completed_seconds is not None:
        started, completed = passage.started_seconds * 1000, passage.completed_seconds * 1000
        return Diagnosis(subject=queue, sentence=f"A probe job started after {started:.0f} ms and was completed after {completed:.0f} ms.")
    sentence = f"A probe job was not {'completed' if passage.started_seconds is not None else 'started'} within {seconds:g} s."
    if stats.busy >= stats.concurrency:
        cure = "All slots are busy: see what runs (manage.py queue_jobs {} --state active), start more workers or raise CONCURRENCY."
        return Diagnosis(subject=queue, level=Level.WARNING, sentence=sentence, cure=cure.format(queue))
    cure = "Its workers are registered but take nothing: see manage.py queue_workers and their logs, and restart them."
    return Diagnosis(subject=queue, level=Level.CRITICAL, sentence=sentence, cure=cure)
