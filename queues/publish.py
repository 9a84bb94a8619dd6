"""How jobs reach Redis: at once, or with the transaction that they belong to."""

from __future__ import annotations

import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Unpack
from weakref import WeakKeyDictionary

import redis
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from queues import signals
from queues.exceptions import JobIdTaken, QueuesError, WrongQueue
from queues.jobs.backoff import Backoff
from queues.jobs.durations import Duration, check_delay
from queues.jobs.job import Job
from queues.jobs.options import AddOptions, Dedupe, Keep, Options
from queues.jobs.registry import registry
from queues.jobs.states import RQ_STATUS, State, from_rq_status
from queues.store import payloads, scripts
from queues.store.connection import translated
from queues.store.fields import rq_time
from queues.store.queue import Queue, get_queue

log = logging.getLogger("queues")

MAX_PER_CALL = 1000


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """A validated job on its way to Redis. `delay_seconds` counts from its arrival there; `extra` are more fields of its hash."""

    job: Job
    timeout_seconds: int
    delay_seconds: float = 0.0
    dedupe: str = ""
    window_seconds: float = 0.0
    has_chosen_id: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)

    def arguments(self) -> list[str | bytes | int | float]:
        """The job as add.lua reads it."""
        job = self.job
        moment = rq_time(time.time())
        fields: dict[str, str | bytes | int] = {
            "created_at": moment,
            "enqueued_at": moment,
            "origin": job.queue,
            "timeout": self.timeout_seconds,
            "status": RQ_STATUS[State.WAITING],
            "description": job.name,
            "data": payloads.encode(job.name, job.data),
            "name": job.name,
            "attempts": job.attempts,
            "priority": job.priority,
            **({"owner": job.owner} if job.owner else {}),
            **self.extra,
        }
        values = [part for pair in fields.items() for part in pair]
        chosen = "1" if self.has_chosen_id else ""
        head: list[str | int | float] = [
            job.queue,
            job.id,
            chosen,
            self.dedupe,
            self.window_seconds,
            self.delay_seconds,
            job.priority,
            job.owner,
        ]
        return [*head, len(values), *values]


def add_job(
    queue: str,
    name: str,
    data: Mapping[str, Any],
    *,
    delay: Duration | None = None,
    priority: int = 0,
    attempts: int | None = None,
    backoff: Backoff | Duration | None = None,
    job_id: str | None = None,
    dedupe: Dedupe = None,
    keep_completed: int | Keep | None = None,
    keep_failed: int | Keep | None = None,
    using: str | None = None,
) -> Job:
    """Adds one job and returns it with its id, or the one that is there instead.

    Inside a transaction of the database alias `using` it is provisional and leaves on the commit, all jobs of the
    transaction in one call; Redis being away then is logged and sent as `publish_failed`, never raised.

    `delay` (seconds or a timedelta) is kept from Redis's arrival on; a lower `priority` runs first, 0 is the default, first in
    first out within a value. `attempts` (runs in all), `backoff` (seconds, Fixed or Exponential), `keep_completed` and `keep_failed`
    (a count, or Keep) replace the job's and the queue's own. `job_id` chooses the id, of letters, digits, `_` and `-`: an unfinished
    job that has it is returned instead, a finished one replaced. While a waiting or delayed job holds the `dedupe` key (a string, or a
    function of the payload), that one is returned, moved to the better priority and the earlier due time; with Debounce(key, window)
    it gets the newer payload and the whole window again.
    Raises ValueError (an option out of range), UnknownQueue, UnknownJob, WrongQueue, InvalidPayload before anything reaches Redis;
    outside of a transaction also RedisUnavailable, and JobIdTaken where an unfinished job of another queue has the id.
    """
    return add_jobs(
        queue,
        [(name, data)],
        delay=delay,
        priority=priority,
        attempts=attempts,
        backoff=backoff,
        job_id=job_id,
        dedupe=dedupe,
        keep_completed=keep_completed,
        keep_failed=keep_failed,
        using=using,
    )[0]


def add_jobs(queue: str, jobs: Iterable[tuple[str, Mapping[str, Any]]], **options: Unpack[AddOptions]) -> list[Job]:
    """Adds jobs, each as (name, payload), with the options and errors of add_job: up to a thousand in one round trip and all or none,
    more of them by the thousand. An option that does not fit, or one wrong payload, adds none."""
    where = get_queue(queue)
    using = options.pop("using", None)
    checked = Options(**options)  # type: ignore[misc]  # mypy does not see that `using` is gone
    attempts = where.attempts
    new = [_validated(where, name, data, checked, attempts) for name, data in jobs]
    if checked.job_id is not None and len(new) > 1:
        raise ValueError(f"job_id is for one job, not for {len(new)}")
    return deliver(new, using=using) if new else []


def deliver(new: list[NewJob], *, using: str | None = None) -> list[Job]:
    """Sends validated jobs at once, or with the open transaction of `using`: see add_jobs. Raises RedisUnavailable."""
    connection = transaction.get_connection(using)
    if connection.in_atomic_block:
        _Publication.of(connection).add(connection, new)
        return [item.job for item in new]
    return send(new)


def send(new: Sequence[NewJob]) -> list[Job]:
    """Sends jobs now: one call per server, or per thousand jobs. Returns them under the ids and in the states that they have in Redis.

    Raises RedisUnavailable, and JobIdTaken when all others are stored.
    """
    servers = {name: get_queue(name).connection for name in {item.job.queue for item in new}}
    by_server: dict[int, list[NewJob]] = defaultdict(list)
    for item in new:
        by_server[id(servers[item.job.queue])].append(item)
    stored: dict[str, Job | None] = {}
    for items in by_server.values():
        connection = servers[items[0].job.queue]
        for at in range(0, len(items), MAX_PER_CALL):
            stored |= _send_part(connection, items[at : at + MAX_PER_CALL])
    if taken := [item.job for item in new if stored[item.job.id] is None]:
        raise JobIdTaken(taken)
    return [job for item in new if (job := stored[item.job.id]) is not None]


def _send_part(connection: redis.Redis, part: Sequence[NewJob]) -> dict[str, Job | None]:
    """The stored jobs by the ids that they were given here; None where the chosen id is another queue's."""
    with translated(f"Could not add jobs to {part[0].job.queue!r}"):
        answers = scripts.add(connection, [argument for item in part for argument in item.arguments()])
    stored: dict[str, Job | None] = {}
    is_heard = signals.added.has_listeners(Job)
    for item, (job_id, status, is_new, flat) in zip(part, answers, strict=True):
        if not is_new:
            found = {field.decode(): value for field, value in zip(flat[::2], flat[1::2], strict=True)}
            stored[item.job.id] = Job.from_hash(job_id.decode(), found) if found else None
            continue
        stored[item.job.id] = job = replace(item.job, state=from_rq_status(status.decode()))
        if is_heard:
            signals.added.send_robust(sender=Job, job=job)
    return stored


def _validated(where: Queue, name: str, data: Mapping[str, Any], options: Options, attempts: int) -> NewJob:
    queue = where.name
    definition = registry.get(name)
    if definition.queue != queue:
        raise WrongQueue(f"The job {name!r} belongs to the queue {definition.queue!r}, not to {queue!r}.")
    payload = definition.validate(data).model_dump(mode="json")
    dedupe, window = options.dedupe_of(payload)
    extra = dict(options.fields)
    for option, keep in (("keep_completed", definition.keep_completed), ("keep_failed", definition.keep_failed)):
        if keep is not None:
            extra.setdefault(option, str(keep))
    job = Job(
        id=options.job_id or new_id(),
        name=name,
        queue=queue,
        data=payload,
        state=State.PROVISIONAL,
        priority=int(options.priority),
        attempts=options.attempts or definition.attempts or attempts,
        owner=definition.owner_of(payload),
    )
    return NewJob(
        job=job,
        timeout_seconds=definition.timeout_seconds,
        delay_seconds=window if options.delay is None else check_delay(options.delay),
        dedupe=dedupe,
        window_seconds=window,
        has_chosen_id=options.job_id is not None,
        extra=extra,
    )


def new_id() -> str:
    """32 hexadecimal digits that sort by time: where a sorted set has equal scores, Redis orders by id."""
    return f"{time.time_ns() // 1000:014x}{os.urandom(9).hex()}"


def prepare(queue: str, name: str, data: Mapping[str, Any], *, dedupe: str) -> NewJob:
    """A validated job for whoever sends it by other ways than add_jobs. Raises UnknownQueue, UnknownJob, WrongQueue, InvalidPayload."""
    where = get_queue(queue)
    return _validated(where, name, data, Options(dedupe=dedupe), where.attempts)


def provisional_jobs() -> list[Job]:
    """The jobs that leave when the open transactions of this thread commit, in the order of their adding."""
    hooks = [hook[1] for connection in connections.all(initialized_only=True) for hook in connection.run_on_commit]
    return [item.job for hook in hooks for item in _handovers.get(hook, ())]


_handovers: WeakKeyDictionary[Callable[..., Any], list[NewJob]] = WeakKeyDictionary()
"""The jobs that each commit hook will hand over, until it has."""


class _Publication:
    """What one transaction will publish.

    Every group of jobs is handed over by a commit hook that belongs to its savepoint, so that a rolled-back savepoint
    drops only its own. A flush behind each group belongs to no savepoint; only the last one registered sends.
    `is_robust` hooks fail no request, whatever happens.
    """

    is_robust: ClassVar[bool] = True

    def __init__(self) -> None:
        self.committed: list[NewJob] = []
        self.flush: Callable[[], None] | None = None

    @classmethod
    def of(cls, connection: BaseDatabaseWrapper) -> _Publication:
        """The open transaction's. A commit hook that opens a transaction of its own gets another: its hooks run apart."""
        publication: _Publication | None = getattr(connection, "_queues_publication", None)
        if publication is None or not any(hook[1] is publication.flush for hook in reversed(connection.run_on_commit)):
            publication = connection._queues_publication = cls()  # type: ignore[attr-defined]
        return publication

    def add(self, connection: BaseDatabaseWrapper, new: list[NewJob]) -> None:
        def hand_over() -> None:
            self.committed += _handovers.pop(hand_over, [])

        _handovers[hand_over] = new
        connection.on_commit(hand_over, robust=True)
        self.flush = flush = self._flush_once()
        connection.run_on_commit.append((set(), flush, self.is_robust))  # type: ignore[arg-type]  # the stubs lack `robust`

    def _flush_once(self) -> Callable[[], None]:
        def flush() -> None:
            if self.flush is flush:
                jobs, self.committed = self.committed, []
                if jobs:
                    _publish(jobs)

        return flush


def _publish(new: list[NewJob]) -> None:
    try:
        send(new)
    except JobIdTaken as error:
        _report(error.jobs, error)
    except QueuesError as error:
        _report([item.job for item in new], error)


def _report(jobs: list[Job], error: QueuesError) -> None:
    names = ", ".join(sorted({job.name for job in jobs}))
    log.error("%d committed jobs (%s) did not reach Redis: %s", len(jobs), names, error)
    signals.publish_failed.send_robust(sender=Job, jobs=jobs, error=error)
