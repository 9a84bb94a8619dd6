"""A job of this app itself on every queue, which does nothing but say that it ran: what `doctor` sends through."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from queues.decorators import job
from queues.jobs.options import PRIORITY_LIMIT
from queues.jobs.running import current_job
from queues.publish import add_job
from queues.store import keys
from queues.store.connection import translated
from queues.store.fields import number
from queues.store.queue import Queue, get_queue, queue_names

TOKEN_SECONDS = 60
LOOK_SECONDS = 0.005


class Token(BaseModel):
    """What a probe leaves its time under."""

    token: str = Field(pattern=r"^[0-9a-f]{16}$")


@dataclass(frozen=True, kw_only=True)
class Passage:
    """How long a probe took from its adding, in seconds by Redis's clock; None for what did not come to pass."""

    started_seconds: float | None = None
    completed_seconds: float | None = None

    @property
    def was_refused(self) -> bool:
        """A worker took it and could not run it."""
        return self.completed_seconds is not None and self.started_seconds is None


@dataclass(kw_only=True)
class _Probe:
    """One on its way."""

    queue: Queue
    job_id: str
    token: str
    added_at: float
    passage: Passage = field(default_factory=Passage)

    def look(self) -> bool:
        """Reads how far it has come. Returns whether it has ended."""
        with translated(), self.queue.connection.pipeline() as pipeline:
            pipeline.time()
            pipeline.get(keys.probe(self.token))
            pipeline.exists(keys.job(self.job_id))
            now, started, is_there = pipeline.execute()
        self.passage = Passage(
            started_seconds=max(0.0, number(started) - self.added_at) if started else None,
            completed_seconds=None if is_there else _now(now) - self.added_at,
        )
        return not is_there

    def remove(self) -> None:
        self.queue.remove(self.job_id)
        with translated():
            self.queue.connection.delete(keys.probe(self.token))


def name_of(queue: str) -> str:
    return f"queue-probe-{queue}"


def register() -> None:
    """One job a queue, as Django starts: a name belongs to one queue."""
    for queue in queue_names():
        job(name=name_of(queue), queue=queue, attempts=1, timeout=10)(answer)


def answer(payload: Token) -> None:
    """Leaves the time by Redis, for a minute."""
    if found := current_job():
        connection = get_queue(found.queue).connection
        connection.set(keys.probe(payload.token), f"{_now(connection.time()):.6f}", ex=TOKEN_SECONDS)


def send_probes(queues: Iterable[str], *, timeout_seconds: float) -> dict[str, Passage]:
    """Sends a probe through each queue, ahead of what waits, and waits for all of them together. Nothing of them is kept.

    Raises RedisUnavailable. Outside of a transaction: inside of one the probes would leave on its commit.
    """
    probes: list[_Probe] = []
    deadline = time.monotonic() + timeout_seconds
    try:
        for name in queues:
            probes.append(_send(name))
        pending = probes
        while (pending := [probe for probe in pending if not probe.look()]) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
    finally:
        for probe in probes:
            probe.remove()
    return {probe.queue.name: probe.passage for probe in probes}


def _send(name: str) -> _Probe:
    queue, token = get_queue(name), secrets.token_hex(8)
    with translated():
        now: Any = queue.connection.time()
    added = add_job(name, name_of(name), {"token": token}, priority=-PRIORITY_LIMIT, keep_completed=0, keep_failed=0)
    return _Probe(queue=queue, job_id=added.id, token=token, added_at=_now(now))


def _now(answer: Any) -> float:
    return float(answer[0] + answer[1] / 1e6)
