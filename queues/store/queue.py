"""A queue: what is in it, and what can be done with it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import redis

from queues.conf import settings
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.store import dead_letters, keys, scripts, workers
from queues.store.connection import get_connection, queue_config, translated
from queues.store.stats import QueueStats

SLICE = 1000
"""Jobs that one call reads or deletes: bounds how long Redis is held up."""


class Queue:
    """One queue of RQ_QUEUES, by name. Raises UnknownQueue; its methods raise RedisUnavailable."""

    _REGISTRIES: ClassVar = {State.COMPLETED: keys.completed, State.FAILED: keys.failed, State.DELAYED: keys.delayed}

    def __init__(self, name: str) -> None:
        self.config = queue_config(name)
        self.name = name

    @property
    def connection(self) -> redis.Redis:
        return get_connection(self.name)

    @property
    def concurrency(self) -> int:
        """Jobs that one worker runs at a time."""
        return int(self.config.get("CONCURRENCY", settings.concurrency))

    @property
    def keep_completed(self) -> int:
        return int(self.config.get("KEEP_COMPLETED", settings.keep_completed))

    @property
    def keep_failed(self) -> int:
        return int(self.config.get("KEEP_FAILED", settings.keep_failed))

    @property
    def is_paused(self) -> bool:
        """Whether no worker takes jobs of this queue."""
        with translated():
            return self.connection.hget(keys.state(self.name), "paused") == b"1"

    def pause(self) -> None:
        """No job is claimed once this has returned; running ones finish, adds are accepted. Kept in Redis until `resume`."""
        with translated():
            self.connection.hset(keys.state(self.name), "paused", 1)
            workers.tell(self.connection, self.name, command="pause-queue")

    def resume(self) -> None:
        with translated(), self.connection.pipeline() as pipeline:
            pipeline.hdel(keys.state(self.name), "paused")
            pipeline.rpush(keys.wake(self.name), 1)
            pipeline.ltrim(keys.wake(self.name), 0, 0)
            pipeline.execute()

    def stats(self) -> QueueStats:
        """One round trip; writes nothing (RQ's own counting cleans registries on the way)."""
        with translated(), self.connection.pipeline(transaction=False) as pipeline:
            pipeline.llen(keys.waiting(self.name))
            pipeline.zcard(keys.prioritized(self.name))
            pipeline.zcard(keys.leases(self.name))
            for key in (keys.completed, keys.failed, keys.delayed):
                pipeline.zcard(key(self.name))
            plain, prioritized, active, completed, failed, delayed = pipeline.execute()
        return QueueStats(waiting=plain + prioritized, active=active, completed=completed, failed=failed, delayed=delayed)

    def job_ids(self, state: State | str, start: int = 0, end: int = -1) -> list[str]:
        """Ids in one state, both ends included: waiting and delayed next first, completed and failed newest first."""
        state = State(state)
        with translated():
            match state:
                case State.WAITING:
                    ids = self._waiting_ids()
                    return ids[start : None if end == -1 else end + 1]
                case State.ACTIVE:
                    members: Any = self.connection.zrange(keys.leases(self.name), start, end)
                    return [member.decode().rpartition(":")[0] for member in members]
                case State.PROVISIONAL:
                    return []
            found: Any = self.connection.zrange(self._REGISTRIES[state](self.name), start, end, desc=state is not State.DELAYED)
            return [member.decode() for member in found]

    def jobs(self, state: State | str, start: int = 0, end: int = -1) -> list[Job]:
        """The jobs of `job_ids`; one that ends meanwhile shows the state that it then has."""
        return self.fetch(self.job_ids(state, start, end))

    def fetch(self, ids: Iterable[str]) -> list[Job]:
        """The jobs that still exist, in the order of their ids."""
        wanted = list(ids)
        found: list[Job] = []
        for at in range(0, len(wanted), SLICE):
            part = wanted[at : at + SLICE]
            with translated(), self.connection.pipeline(transaction=False) as pipeline:
                for job_id in part:
                    pipeline.hgetall(keys.job(job_id))
                hashes = pipeline.execute()
            pairs = zip(part, hashes, strict=True)
            found += [Job.from_hash(job_id, {key.decode(): value for key, value in fields.items()}) for job_id, fields in pairs if fields]
        return found

    def clean(
        self,
        older_than_seconds: float,
        *,
        states: Sequence[State | str] = (State.COMPLETED, State.FAILED),
        limit: int = 0,
        dry_run: bool = False,
    ) -> int:
        """Removes jobs that ended at least so long ago, oldest first; `limit` 0 is no limit. Returns how many."""
        wanted = [State(state) for state in states]
        if wrong := [state for state in wanted if state not in (State.COMPLETED, State.FAILED)]:
            raise ValueError(f"Only completed and failed jobs have an end to be older than, not {', '.join(wrong)}.")
        removed = 0
        for state in wanted:
            room = limit - removed if limit else -1
            if room:
                removed += self._clean_registry(self._REGISTRIES[state](self.name), older_than_seconds, room, dry_run)
        return removed

    def retry_failed(self, *, name: str | None = None, error_class: str | None = None, limit: int = 0) -> int:
        """Retries dead letters, all or those of a job name and error class, the newest first. Returns how many."""
        found = [job.id for job in dead_letters.find(self, name=name, error_class=error_class)]
        return dead_letters.retry(self, found[:limit] if limit else found)

    def retry(self, job_id: str) -> bool:
        """Retries one dead letter. False if it is none (any more)."""
        return dead_letters.retry(self, [job_id]) == 1

    def promote(self, job_id: str) -> bool:
        """Makes a delayed job wait for no longer. False if it is not delayed."""
        with translated():
            return int(scripts.promote(self.connection, self.name, job_id)) == 1

    def remove(self, job_id: str) -> bool:
        """Deletes a job. False if it is not there, or runs now."""
        with translated():
            return int(scripts.remove(self.connection, self.name, job_id)) == 1

    def workers(self) -> list[workers.WorkerInfo]:
        with translated():
            return workers.of_queue(self.connection, self.name)

    def _waiting_ids(self) -> list[str]:
        with self.connection.pipeline() as pipeline:
            pipeline.zrangebyscore(keys.prioritized(self.name), "-inf", "(0")
            pipeline.lrange(keys.waiting(self.name), 0, -1)
            pipeline.zrangebyscore(keys.prioritized(self.name), "0", "+inf")
            return [job_id.decode() for part in pipeline.execute() for job_id in part]

    def _clean_registry(self, registry: str, older_than_seconds: float, room: int, dry_run: bool) -> int:
        with translated():
            if dry_run:
                count = int(scripts.clean(self.connection, registry, older_than_seconds, 0, 1))
                return count if room < 0 else min(count, room)
            removed = 0
            while room < 0 or removed < room:
                part = SLICE if room < 0 else min(SLICE, room - removed)
                count = int(scripts.clean(self.connection, registry, older_than_seconds, part, 0))
                removed += count
                if count < part:
                    break
            return removed


@functools.lru_cache(maxsize=256)
def _cached(name: str, config: str) -> Queue:
    return Queue(name)


def get_queue(name: str) -> Queue:
    """The queue of this name. Raises UnknownQueue."""
    return _cached(name, repr(queue_config(name)))


def queue_names() -> list[str]:
    """The names in RQ_QUEUES, in their order there."""
    return list(settings.rq_queues)
