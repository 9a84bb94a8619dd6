"""The workers of a queue, from the hashes that each worker keeps of itself, and what can be asked of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis

from queues.conf import settings
from queues.store import keys
from queues.store.answers import otherwise
from queues.store.connection import get_connection, translated
from queues.store.fields import integer, moment, text
from queues.store.keys import PREFIX

PAUSED = "paused"
STALE_LEASES = 2
"""Leases without a heartbeat after which a worker is thought to be in trouble: it beats three times a lease."""


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """One living worker. `running` counts the jobs that it held at its last heartbeat; `paused` names the queues that it leaves alone,
    all of its queues where the whole worker pauses. Memory is that of its process at the last heartbeat and the most ever, without the
    children of isolated jobs; None where its system does not say."""

    name: str
    hostname: str
    pid: int
    queues: tuple[str, ...]
    state: str
    birth: datetime | None
    last_heartbeat: datetime | None
    successful_jobs: int
    failed_jobs: int
    running: int
    paused: tuple[str, ...] = ()
    memory_bytes: int | None = None
    peak_memory_bytes: int | None = None

    @property
    def is_paused(self) -> bool:
        return self.paused == self.queues

    @property
    def is_stale(self) -> bool:
        """It has not been heard for two leases: it hangs, was killed, or cannot reach Redis."""
        limit = timedelta(seconds=STALE_LEASES * settings.lease_seconds)
        return self.last_heartbeat is None or datetime.now(UTC) - self.last_heartbeat > limit

    def pause(self) -> None:
        """See pause_worker. Raises UnknownQueue for a worker of another project, RedisUnavailable, as the next two."""
        with translated():
            pause(get_connection(self.queues[0]), self)

    def resume(self) -> None:
        """See resume_worker."""
        with translated():
            resume(get_connection(self.queues[0]), self)

    def stop(self) -> bool:
        """See stop_worker. Whether it heard."""
        with translated():
            return stop(get_connection(self.queues[0]), self)


def of_queue(connection: redis.Redis, queue: str) -> list[WorkerInfo]:
    """Workers listening on the queue whose hash has not expired, by name."""
    return _read_all(connection, keys.workers(queue))


def of_server(connection: redis.Redis) -> list[WorkerInfo]:
    """All living workers of this Redis, by name."""
    return _read_all(connection, keys.workers())


def _read_all(connection: redis.Redis, key: str) -> list[WorkerInfo]:
    """What a stranger put there, or into a worker's place, counts as absent."""
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.smembers(key)
        (members,) = pipeline.execute(raise_on_error=False)
    return read(connection, sorted(map(text, otherwise(members, ()))))


def read(connection: redis.Redis, worker_keys: list[str]) -> list[WorkerInfo]:
    """Those of these workers that live."""
    with connection.pipeline(transaction=False) as pipeline:
        ask(pipeline, worker_keys)
        return living(worker_keys, [otherwise(answer, {}) for answer in pipeline.execute(raise_on_error=False)])


def ask(pipeline: redis.client.Pipeline, worker_keys: Iterable[str]) -> None:
    """Puts the reading into a pipeline, one answer a worker, for `living`."""
    for key in worker_keys:
        pipeline.hgetall(key)


def living(worker_keys: Sequence[str], hashes: Sequence[Mapping[bytes, bytes]]) -> list[WorkerInfo]:
    """Those whose hash has not expired and that have not said that they ended. What was never born, or serves no queue, is no worker's."""
    found = [_info(key, fields) for key, fields in zip(worker_keys, hashes, strict=True) if b"birth" in fields and b"death" not in fields]
    return [worker for worker in found if worker.queues]


def _info(key: str, fields: Mapping[bytes, bytes]) -> WorkerInfo:
    facts = {text(name): text(value) for name, value in fields.items()}
    queues = tuple(filter(None, facts.get("queues", "").split(",")))
    is_paused = facts.get(PAUSED) == "1"
    return WorkerInfo(
        name=key.removeprefix(keys.worker("")),
        hostname=facts.get("hostname", ""),
        pid=integer(facts.get("pid")),
        queues=queues,
        state=facts.get("state", ""),
        birth=moment(facts.get("birth")),
        last_heartbeat=moment(facts.get("last_heartbeat")),
        successful_jobs=integer(facts.get("successful_job_count")),
        failed_jobs=integer(facts.get("failed_job_count")),
        running=integer(facts.get("running")),
        paused=tuple(queue for queue in queues if is_paused or facts.get(f"{PAUSED}:{queue}") == "1"),
        memory_bytes=integer(facts.get("memory_bytes")) or None,
        peak_memory_bytes=integer(facts.get("peak_memory_bytes")) or None,
    )


def tell(connection: redis.Redis, queue: str, *, command: str) -> None:
    """Sends a command about the queue to each of its workers, in three round trips however many they are."""
    with connection.pipeline(transaction=False) as pipeline:
        for worker in of_queue(connection, queue):
            send(pipeline, worker.name, command=command, queue=queue)
        pipeline.execute()


def send(connection: redis.Redis, worker: str, **command: str) -> bool:
    """Sends a command to one worker, over the channel that RQ's own commands use. Whether anybody listened."""
    return bool(connection.publish(f"{PREFIX}:pubsub:{worker}", json.dumps(command)))


def pause(connection: redis.Redis, worker: WorkerInfo, queue: str = "") -> None:
    """The worker takes no more jobs (of the queue) once this has returned; running ones finish. It forgets that when it ends."""
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.hset(keys.worker(worker.name), _field(queue), 1)
        for name in _queues(worker, queue):
            send(pipeline, worker.name, command="pause-queue", queue=name)
        pipeline.execute()


def resume(connection: redis.Redis, worker: WorkerInfo, queue: str = "") -> None:
    with connection.pipeline() as pipeline:
        pipeline.hdel(keys.worker(worker.name), _field(queue), *([] if queue else map(_field, worker.queues)))
        for name in _queues(worker, queue):
            keys.ring(pipeline, name)
        pipeline.execute()
    send(connection, worker.name, command="resume-queue", queue=queue)


def stop(connection: redis.Redis, worker: WorkerInfo, queue: str = "") -> bool:
    """The worker takes no more jobs and ends when its running ones have, as after SIGTERM. Whether it heard."""
    return send(connection, worker.name, command="shutdown")


def _field(queue: str) -> str:
    return f"{PAUSED}:{queue}" if queue else PAUSED


def _queues(worker: WorkerInfo, queue: str) -> Iterable[str]:
    return [queue] if queue else worker.queues
