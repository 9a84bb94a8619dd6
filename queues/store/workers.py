"""The workers of a queue, from the hashes that each worker keeps of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis

from queues.store.fields import integer, moment
from queues.store.keys import PREFIX


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """One living worker. `running` counts the jobs that it holds now."""

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


def of_queue(connection: redis.Redis, queue: str) -> list[WorkerInfo]:
    """Workers listening on the queue whose hash has not expired, by name."""
    members: Any = connection.smembers(f"{PREFIX}:workers:{queue}")
    names = sorted(key.decode() for key in members)
    with connection.pipeline(transaction=False) as pipeline:
        for key in names:
            pipeline.hgetall(key)
        hashes = pipeline.execute()
    return [_info(key, fields) for key, fields in zip(names, hashes, strict=True) if fields and b"death" not in fields]


def _info(key: str, fields: dict[bytes, bytes]) -> WorkerInfo:
    text = {name.decode(): value.decode(errors="replace") for name, value in fields.items()}
    return WorkerInfo(
        name=key.removeprefix(f"{PREFIX}:worker:"),
        hostname=text.get("hostname", ""),
        pid=integer(text.get("pid")),
        queues=tuple(text.get("queues", "").split(",")),
        state=text.get("state", ""),
        birth=moment(text.get("birth")),
        last_heartbeat=moment(text.get("last_heartbeat")),
        successful_jobs=integer(text.get("successful_job_count")),
        failed_jobs=integer(text.get("failed_job_count")),
        running=integer(text.get("running")),
    )


def tell(connection: redis.Redis, queue: str, *, command: str) -> None:
    """Sends a command about the queue to each of its workers, over the channel that RQ's own commands use."""
    message = json.dumps({"command": command, "queue": queue})
    for worker in of_queue(connection, queue):
        connection.publish(f"{PREFIX}:pubsub:{worker.name}", message)
