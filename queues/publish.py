"""Adding jobs: checked here, sent at once or with the transaction that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Unpack

from django.apps import apps
from django.db import transaction

from queues.durations import Duration, check_delay
from queues.exceptions import StillStarting, WrongQueue
from queues.jobs.backoff import Backoff
from queues.jobs.job import Job
from queues.jobs.options import AddOptions, Dedupe, Keep, Options
from queues.jobs.registry import registry
from queues.jobs.states import State
from queues.publication import publication
from queues.store import new_jobs
from queues.store.new_jobs import NewJob, new_id
from queues.store.queue import Queue, get_queue


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
    Raises StillStarting while Django starts, and before anything reaches Redis ValueError (an option out of range), UnknownQueue,
    UnknownJob, WrongQueue, InvalidPayload; outside of a transaction also RedisUnavailable, and JobIdTaken where an unfinished job of
    another queue has the id.
    """
    options = AddOptions(delay=delay, priority=priority, attempts=attempts, backoff=backoff, job_id=job_id, dedupe=dedupe, using=using)
    options["keep_completed"], options["keep_failed"] = keep_completed, keep_failed
    return add_jobs(queue, [(name, data)], **options)[0]


def add_jobs(queue: str, jobs: Iterable[tuple[str, Mapping[str, Any]]], **options: Unpack[AddOptions]) -> list[Job]:
    """Adds jobs, each as (name, payload), with the options and errors of add_job: up to a thousand (or 16 MiB) in one round trip and all
    or none, more of them by the thousand. An option that does not fit, or one wrong payload, adds none."""
    if not apps.ready:
        raise StillStarting
    where = get_queue(queue)
    if unknown := sorted(set(options) - set(AddOptions.__annotations__)):
        raise TypeError(f"unknown options {', '.join(unknown)}: there are {', '.join(AddOptions.__annotations__)}")
    using = options.pop("using", None)
    checked = Options(**options)  # type: ignore[misc]  # mypy does not see that `using` is gone
    new = [_validated(where, name, data, checked) for name, data in jobs]
    if checked.job_id is not None and len(new) > 1:
        raise ValueError(f"job_id is for one job, not for {len(new)}")
    return deliver(new, using=using) if new else []


def add_job_now(queue: str, name: str, data: Mapping[str, Any], options: Options) -> Job:
    """Adds one job at once, whatever transaction is open: for an operator, who is told what became of it. Raises as add_job does
    outside of a transaction."""
    return new_jobs.send([_validated(get_queue(queue), name, data, options)])[0]


def deliver(new: list[NewJob], *, using: str | None = None) -> list[Job]:
    """Sends validated jobs at once, or with the open transaction of `using`: see add_jobs. Raises RedisUnavailable."""
    connection = transaction.get_connection(using)
    if connection.in_atomic_block:
        publication.add(connection, new)
        return [item.job for item in new]
    return new_jobs.send(new)


def _validated(queue: Queue, name: str, data: Mapping[str, Any], options: Options) -> NewJob:
    definition = registry.get(name)
    if definition.queue != queue.name:
        raise WrongQueue(f"The job {name!r} belongs to the queue {definition.queue!r}, not to {queue.name!r}.")
    payload = definition.plain(data)
    dedupe, window = options.dedupe_of(payload)
    job = Job(
        id=options.job_id or new_id(),
        name=name,
        queue=queue.name,
        data=payload,
        state=State.PROVISIONAL,
        priority=int(options.priority),
        attempts=options.attempts or definition.attempts or queue.attempts,
        owner=definition.owner_of(payload),
    )
    return NewJob(
        job=job,
        timeout_seconds=definition.timeout_seconds,
        delay_seconds=window if options.delay is None else check_delay(options.delay),
        dedupe=dedupe,
        window_seconds=window,
        has_chosen_id=options.job_id is not None,
        extra={**definition.fields, **options.fields},
    )


def prepare(queue: str, name: str, data: Mapping[str, Any], *, dedupe: str | None = None, priority: int = 0) -> NewJob:
    """A validated job for `deliver`, or for whoever sends it by other ways. Raises UnknownQueue, UnknownJob, WrongQueue, InvalidPayload."""
    return _validated(get_queue(queue), name, data, Options(dedupe=dedupe, priority=priority))
