"""What the overview shows, read from Redis once per page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from queues.address import describe, server_key
from queues.exceptions import RedisUnavailable
from queues.operations.health import Finding, check_queue_health
from queues.store.queue import Queue, get_queue, queue_names
from queues.store.stats import QueueStats
from queues.store.workers import WorkerInfo


def words_of(metric: str) -> str:
    """What a finding of queues.operations.health says in a table."""
    words = {
        "paused": _("paused"),
        "workers": _("no worker"),
        "waiting": _("many waiting"),
        "oldest_waiting_seconds": _("waiting for long"),
        "failed": _("many failed"),
        "delayed": _("many delayed"),
        "active": _("workers lost"),
    }
    return words.get(metric, metric)


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """One queue; `stats` is None when its Redis did not answer."""

    name: str
    stats: QueueStats | None = None
    workers: tuple[WorkerInfo, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def has_no_worker(self) -> bool:
        return self.stats is not None and not self.workers

    @property
    def command(self) -> str:
        """What starts a worker for it."""
        return f"python manage.py rqworker {self.name}"

    @property
    def health(self) -> str:
        """The queue's state in a few words, the most urgent first."""
        return ", ".join(dict.fromkeys(self._words())) or _("healthy")

    def _words(self) -> Iterator[str]:
        if self.stats is None:
            yield _("no answer from Redis")
            return
        yield from (words_of(finding.metric) for finding in self.findings)
        if not self.workers:
            yield words_of("workers")  # here even where nothing waits for one

    @property
    def is_healthy(self) -> bool:
        return not any(self._words())


@dataclass(frozen=True, kw_only=True)
class Overview:
    """All queues of RQ_QUEUES and their workers; `failures` says per silent Redis what happened."""

    queues: tuple[QueueRow, ...]
    failures: tuple[str, ...]

    @property
    def is_unavailable(self) -> bool:
        """No Redis answered."""
        return bool(self.failures) and all(queue.stats is None for queue in self.queues)

    @property
    def is_served(self) -> bool:
        """Every queue has a worker."""
        return all(queue.workers for queue in self.queues)

    @property
    def workers(self) -> list[WorkerInfo]:
        """Each worker once, however many queues it serves."""
        return list({worker.name: worker for queue in self.queues for worker in queue.workers}.values())


def read_overview() -> Overview:
    """Never raises for a Redis that is away, and asks it only once, however many queues are on it."""
    rows: list[QueueRow] = []
    silent: dict[str, tuple[RedisUnavailable, list[str]]] = {}
    for queue in map(get_queue, queue_names()):
        server = server_key(queue.config)
        try:
            rows.append(QueueRow(name=queue.name) if server in silent else _read(queue))
        except RedisUnavailable as error:
            rows.append(QueueRow(name=queue.name))
            silent[server] = error, []
        if server in silent:
            silent[server][1].append(queue.name)
    return Overview(queues=tuple(rows), failures=tuple(_failure(names, error) for error, names in silent.values()))


def _read(queue: Queue) -> QueueRow:
    health = check_queue_health(queue.name)
    return QueueRow(name=queue.name, stats=health.stats, workers=tuple(queue.workers()), findings=health.findings)


def _failure(names: list[str], error: RedisUnavailable) -> str:
    where = describe(get_queue(names[0]).config)
    text = ngettext(
        "The Redis of the queue %(names)s at %(where)s: %(error)s", "The Redis of the queues %(names)s at %(where)s: %(error)s", len(names)
    )
    return text % {"names": ", ".join(names), "where": where, "error": error}
