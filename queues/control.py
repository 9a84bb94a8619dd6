"""The public functions over queues, jobs and workers by name: each a line or two that calls the noun where the behaviour lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Unpack

import redis

from queues.durations import Duration, in_seconds
from queues.exceptions import JobNotFound, UnknownWorker
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import connection, fleet, stats, workers
from queues.store.connection import get_connection, translated
from queues.store.finding.filters import Filter, Wanted
from queues.store.finding.matching import find_jobs
from queues.store.fleet import Fleet
from queues.store.queue import get_queue, queue_names
from queues.store.servers import servers
from queues.store.stats import QueueStats
from queues.store.workers import WorkerInfo


def get_queue_stats(name: str) -> QueueStats:
    """A queue in numbers. Raises UnknownQueue, RedisUnavailable, as all functions here that take a queue's name."""
    return get_queue(name).stats()


def get_all_queue_stats() -> dict[str, QueueStats]:
    """Every queue in numbers, in the order of RQ_QUEUES: one round trip a Redis server. One that a stranger's key broke is left out, and
    logged by name: get_queue_stats raises what is wrong with it."""
    found: dict[str, QueueStats] = {}
    for server in servers():
        with translated():
            found |= stats.read_each(server.connection, server.names)
    return {name: found[name] for name in queue_names() if name in found}


def ping_servers() -> None:
    """Asks each Redis whether it is there. Raises RedisUnavailable."""
    for server in servers():
        with translated():
            server.connection.ping()


def pause_queue(name: str) -> None:
    """No worker takes jobs of the queue until it is resumed; running ones finish, adds are accepted."""
    get_queue(name).pause()


def resume_queue(name: str) -> None:
    """Workers take the queue's jobs again, at once."""
    get_queue(name).resume()


def is_paused(name: str) -> bool:
    """Whether the whole queue is paused; a worker that pauses for it alone does not count."""
    return get_queue(name).is_paused


def clean_queue(name: str, older_than: Duration, *, states: Sequence[str] = ("completed", "failed"), limit: int = 0) -> int:
    """Removes jobs that ended at least so long ago; `limit` 0 is no limit. Returns how many."""
    return get_queue(name).clean(in_seconds(older_than), states=states, limit=limit)


def drain_queue(name: str, *, delayed: bool = False) -> int:
    """Deletes all waiting jobs, and the delayed ones if asked. Returns how many."""
    return get_queue(name).drain(delayed=delayed)


def get_jobs(queue: str, state: State | str, start: int = 0, end: int = -1, **wanted: Unpack[Wanted]) -> list[Job]:
    """Jobs in one state, both ends included: waiting and delayed next first, completed and failed newest first. All, or those that
    fit all of `name=`, `owner=`, `error_class=`, `older_than=` and `newer_than=` (since their end), `text=` (in error or payload)."""
    if wanted:
        return list(islice(find_jobs(get_queue(queue), State(state), Filter(**wanted)), start, None if end == -1 else end + 1))
    return get_queue(queue).jobs(state, start, end)


def get_failed_jobs(queue: str, start: int = 0, end: int = -1, **wanted: Unpack[Wanted]) -> list[Job]:
    """The queue's dead letters: see get_jobs."""
    return get_jobs(queue, State.FAILED, start, end, **wanted)


def retry_failed(queue: str, *, limit: int = 0, **wanted: Unpack[Wanted]) -> int:
    """Retries dead letters with their attempts reset: all, or those that fit all of `name=`, `error_class=`,
    `owner=`, `older_than=`, `newer_than=` and `text=` (in the error or the payload). Returns how many."""
    return get_queue(queue).retry_failed(limit=limit, **wanted)


def remove_failed(queue: str, *, limit: int = 0, **wanted: Unpack[Wanted]) -> int:
    """Deletes dead letters: all, or those that fit, as in retry_failed. Returns how many."""
    return get_queue(queue).remove_failed(limit=limit, **wanted)


def get_job(job_id: str) -> Job:
    """The job of this id, on whichever server. Raises JobNotFound, RedisUnavailable."""
    for server in servers():
        if found := server.queues[0].fetch([job_id]):
            return found[0]
    raise JobNotFound(f"There is no job {job_id!r}; ended ones are kept by count.")


def retry_job(job_id: str) -> bool:
    """Retries a dead letter. False if it is none (any more). Raises JobNotFound, as all functions here that take a job's id."""
    return get_job(job_id).retry()


def remove_job(job_id: str) -> bool:
    """Deletes a job. False if it runs now."""
    return get_job(job_id).remove()


def promote_job(job_id: str) -> bool:
    """Makes a delayed job wait for no longer. False if it is not delayed."""
    return get_job(job_id).promote()


def cancel_job(job_id: str) -> State | None:
    """Stops a job and says in which state it was found, None where it had ended; see Queue.cancel."""
    return get_job(job_id).cancel()


def get_workers(queue: str | None = None) -> list[WorkerInfo]:
    """The living workers, of one queue or of all servers, by name."""
    if queue is not None:
        return get_queue(queue).workers()
    with translated():
        found = {worker.name: worker for server in servers() for worker in workers.of_server(server.connection)}
    return sorted(found.values(), key=lambda worker: worker.name)


def get_worker(name: str) -> WorkerInfo:
    """A worker by its own name, or the first that serves the queue of this name. Raises UnknownWorker."""
    found = get_workers(name) if name in queue_names() else [worker for worker in get_workers() if worker.name == name]
    if not found:
        raise UnknownWorker(f"No worker is called {name!r} or serves a queue of that name. Start one: manage.py rqworker")
    return found[0]


def get_fleet() -> Fleet:
    """The living workers of all servers with the jobs that they run, in two round trips a server."""
    with translated():
        return sum((fleet.read(server.connection, server.names) for server in servers()), Fleet())


def pause_worker(name: str) -> int:
    """Pauses a worker by its name, or by a queue's name all of its workers, for that queue. Returns how many. Raises UnknownWorker."""
    return _each_worker(name, workers.pause)


def resume_worker(name: str) -> int:
    """The opposite, by the same name."""
    return _each_worker(name, workers.resume)


def stop_worker(name: str) -> int:
    """Ends a worker, or all of a queue, by the same name: it takes no more jobs, and what still runs after QUEUES_SHUTDOWN_SECONDS is
    given back. What supervises it may start it again. Returns how many heard. Raises UnknownWorker."""
    return _each_worker(name, workers.stop)


def close_queues() -> None:
    """Closes this process's connections to Redis; the next call opens new ones."""
    connection.close_all()


def _each_worker(name: str, act: Callable[[redis.Redis, WorkerInfo, str], bool | None]) -> int:
    """How many workers it was done to."""
    first = get_worker(name)
    chosen, queue = (get_workers(name), name) if name in queue_names() else ([first], "")
    with translated():
        done = [act(get_connection(queue or worker.queues[0]), worker, queue) for worker in chosen]
    return sum(answer is not False for answer in done)
