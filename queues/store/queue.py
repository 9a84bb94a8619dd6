"""A queue: what is in it, and what can be done with it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Unpack

import redis

from queues import signals
from queues.conf import settings
from queues.exceptions import JobNotFound
from queues.jobs.job import Job
from queues.jobs.states import ENDED, RQ_STATUS, State
from queues.store import bulk, cleaning, history, keys, listing, scripts, stats, telling, workers
from queues.store.connection import get_connection, queue_config, translated
from queues.store.finding.filters import Filter, Wanted
from queues.store.finding.matching import find_failed_ids
from queues.store.queue_options import QueueOptions
from queues.store.stats import QueueStats


class Queue(QueueOptions):
    """One queue of RQ_QUEUES, by name. Raises UnknownQueue; its methods raise RedisUnavailable."""

    @property
    def connection(self) -> redis.Redis:
        """The client that all queues of its server share in this process; an idle one is opened by its first use."""
        return get_connection(self.name)

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
        signals.paused.send_robust(sender=Queue, queue=self)

    def resume(self) -> None:
        """Workers take jobs again, at once."""
        with translated(), self.connection.pipeline() as pipeline:
            pipeline.hdel(keys.state(self.name), "paused")
            keys.ring(pipeline, self.name)
            pipeline.execute()
        signals.resumed.send_robust(sender=Queue, queue=self)

    def stats(self) -> QueueStats:
        """One round trip; writes nothing."""
        with translated():
            return stats.read(self.connection, [self.name])[self.name]

    def find(self, job_id: str) -> Job | None:
        """The job of this id, if it is this queue's."""
        return next((job for job in self.fetch([job_id]) if job.queue == self.name), None)

    def get(self, job_id: str) -> Job:
        """The same. Raises JobNotFound."""
        job = self.find(job_id)
        if job is None:
            raise JobNotFound(f"The queue {self.name!r} has no job {job_id!r}.")
        return job

    def job_ids(self, state: State | str, start: int = 0, end: int = -1) -> list[str]:
        """Ids in one state, both ends included: waiting and delayed next first, completed and failed newest first."""
        with translated():
            return listing.job_ids(self.connection, self.name, State(state), start, end)

    def jobs(self, state: State | str, start: int = 0, end: int = -1) -> list[Job]:
        """The jobs of `job_ids`; one that ends meanwhile shows the state that it then has."""
        return self.fetch(self.job_ids(state, start, end))

    def fetch(self, ids: Iterable[str]) -> list[Job]:
        """The jobs that still exist, in the order of their ids."""
        with translated():
            return listing.fetch(self.connection, ids)

    def clean(
        self,
        older_than_seconds: float,
        *,
        states: Sequence[State | str] = ENDED,
        limit: int = 0,
        dry_run: bool = False,
    ) -> int:
        """Removes jobs that ended at least so long ago, oldest first; `limit` 0 is no limit. Returns how many."""
        with translated():
            return cleaning.clean(self.connection, self.name, older_than_seconds, states, limit, dry_run=dry_run)

    def drain(self, *, delayed: bool = False) -> int:
        """Deletes all waiting jobs, and the delayed ones if asked. Running ones go on. Returns how many."""
        with translated():
            return cleaning.drain(self.connection, self.name, delayed=delayed)

    def retry_failed(self, *, limit: int = 0, **wanted: Unpack[Wanted]) -> int:
        """Retries dead letters, all or those that fit (see finding.filters.Filter), the newest first. Returns how many."""
        return self.retry_many(find_failed_ids(self, Filter(**wanted), limit))

    def remove_failed(self, *, limit: int = 0, **wanted: Unpack[Wanted]) -> int:
        """Deletes dead letters, all or those that fit. Returns how many."""
        return self.remove_many(find_failed_ids(self, Filter(**wanted), limit), State.FAILED)

    def retry(self, job_id: str) -> bool:
        """Retries one dead letter, with its attempts reset and its priority kept. False if it is none (any more)."""
        return self.retry_many([job_id]) == 1

    def retry_many(self, ids: Sequence[str]) -> int:
        """The same for those of these jobs that are dead. Returns how many; one round trip a thousand, as with all `_many`."""
        return bulk.act(scripts.retry, self, ids)

    def promote(self, job_id: str) -> bool:
        """Makes a delayed job wait for no longer. False if it is not delayed."""
        return self.promote_many([job_id]) == 1

    def promote_many(self, ids: Sequence[str]) -> int:
        """The same for those of these jobs that are delayed. Returns how many."""
        return bulk.act(scripts.promote, self, ids)

    def remove(self, job_id: str) -> bool:
        """Deletes a job. False if it is not there, or runs now."""
        return self.remove_many([job_id]) == 1

    def remove_many(self, ids: Sequence[str], state: State | None = None) -> int:
        """Those in this state only, if one is given: what somebody retried meanwhile stays."""
        return bulk.act(scripts.remove, self, ids, RQ_STATUS[state] if state else "")

    def cancel(self, job_id: str) -> State | None:
        """Stops a job and says what it was: WAITING or DELAYED (it is a dead letter now), ACTIVE (its worker was told to stop it: an
        isolated one is killed, any other is interrupted where it next runs Python code), None where there was nothing to stop."""
        return self.cancel_many([job_id]).get(job_id)

    def cancel_many(self, ids: Sequence[str]) -> dict[str, State]:
        """The same for each of them that there was to stop, by its id."""
        return bulk.cancel(self, ids)

    def log_lines(self, job_id: str, start: int = 0, end: int = -1) -> list[str]:
        """Lines of a job's log, both ends included."""
        with translated():
            return telling.log_lines(self.connection, job_id, start, end)

    def note(self, job_id: str, what: str, text: bytes) -> bool:
        """Stores what a running job tells ("progress" or "log"). Returns whether it is to be cancelled."""
        with translated():
            return telling.note(self.connection, job_id, what, text)

    def history(self, job_id: str) -> list[history.Attempt]:
        """A job's last runs, newest first."""
        with translated():
            return history.read(self.connection, job_id)

    def workers(self) -> list[workers.WorkerInfo]:
        """The living ones that serve it, by name."""
        with translated():
            return workers.of_queue(self.connection, self.name)


@functools.lru_cache(maxsize=256)
def _cached(name: str, config: str) -> Queue:
    return Queue(name)


def get_queue(name: str) -> Queue:
    """The queue of this name. Raises UnknownQueue."""
    return _cached(name, repr(queue_config(name)))


def queue_names() -> list[str]:
    """The names in RQ_QUEUES, in their order there."""
    return list(settings.rq_queues)
