"""How a worker takes jobs from its queues, and forms calls of them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from queues.jobs.registry import registry
from queues.store import keys, scripts
from queues.store.fields import integer, rq_time, text
from queues.worker.claims import Claim, Unit

DEFAULT_TIMEOUT_SECONDS = 180
LOOK_SECONDS = 1.0

FIELDS = (
    "data",
    "name",
    "attempts",
    "attempts_made",
    "priority",
    "stalled",
    "created_at",
    "timeout",
    "origin",
    "backoff",
    "owner",
    "foreign",
)


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many more calls of a queue may be taken."""

    queue: str
    units: int


class Claimer:
    """Takes jobs in one round trip, each leased under an execution id of its own; without `batches` each is a call of its own."""

    def __init__(self, *, worker: str, lease_seconds: int, batches: bool = True) -> None:
        self.worker = worker
        self.batches = batches
        self.lease_seconds = lease_seconds
        self.calls = itertools.count(1)
        self.resting: set[str] = set()
        self.paused: set[str] = set()
        self.faults: set[str] = set()
        self.unanswered: dict[str, float] = {}
        self.looked_at = 0.0
        self.incarnation = f"{time.time_ns():x}"

    def claim(self, connection: redis.Redis, rooms: Iterable[Room], *, most: int = 1_000_000) -> tuple[list[Unit], float | None]:
        """The calls to make, of at most so many jobs, and the seconds to the next due job, if any waits.

        Afterwards `resting` has the queues which this worker leaves alone, being paused for them, `paused` those that are paused for
        all, and `faults` the errors of those that are broken.
        """
        sizes = batch_sizes() if self.batches else {}
        arguments: list[str | bytes | int | float] = []
        for room in rooms:
            flat = [part for pair in sizes.get(room.queue, {}).items() for part in pair]
            arguments += [room.queue, room.units, len(flat), *flat]
        started = rq_time(time.time())
        token = f"{self.incarnation}-{next(self.calls):x}"
        self.unanswered[token] = time.monotonic()
        answer = scripts.claim(connection, self.worker, token, self.lease_seconds, started, most, arguments)
        del self.unanswered[token]
        due, jobs = answer[:2]
        self.resting, self.paused, self.faults = ({name.decode() for name in names} for names in answer[2:])
        return self._units(jobs), float(due) if due else None

    def _units(self, jobs: Iterable[Sequence[Any]]) -> list[Unit]:
        """The calls of the jobs that claim.lua gave out, each with the number of its call."""
        units: dict[int, Unit] = {}
        for queue, job_id, number, execution, *values in jobs:
            fields = {name: value for name, value in zip(FIELDS, values, strict=True) if value is not None}
            claim = Claim(queue=queue.decode(), id=job_id.decode(), execution=execution.decode(), fields=fields, worker=self.worker)
            if number in units:
                units[number].claims.append(claim)
            else:
                units[number] = Unit(queue=claim.queue, name=claim.name, claims=[claim], timeout_seconds=_timeout(claim))
        return list(units.values())

    def lost(self, connection: redis.Redis, queues: Iterable[str]) -> list[Claim]:
        """Jobs that were leased to this worker by calls whose answer never came: nobody runs them. Redis may still read such a call
        from a connection that was given up, so they are looked for until their leases have ended anyway."""
        found: list[Claim] = []
        now = time.monotonic()
        if not self.unanswered or now < self.looked_at + LOOK_SECONDS:
            return found
        self.looked_at = now
        for queue in queues:
            members: Any = connection.zrange(keys.leases(queue), 0, -1)
            for job_id, _, execution in (text(member).rpartition(":") for member in members):
                if execution.rsplit("-", 2)[0] in self.unanswered:
                    found.append(Claim(queue=queue, id=job_id, execution=execution, fields={}))
        self.unanswered = {token: sent for token, sent in self.unanswered.items() if now < sent + self.lease_seconds}
        return found


def batch_sizes() -> Mapping[str, dict[str, int]]:
    """Per queue the batch size of each job name that has one."""
    sizes: dict[str, dict[str, int]] = {}
    for definition in registry:
        if definition.batch:
            sizes.setdefault(definition.queue, {})[definition.name] = definition.batch
    return sizes


def _timeout(claim: Claim) -> float:
    seconds = integer(claim.fields.get("timeout"), DEFAULT_TIMEOUT_SECONDS)
    return float("inf") if seconds < 0 else float(seconds)
