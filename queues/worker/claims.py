"""What a worker took from its queues: leased jobs, and the calls that they form."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from queues.exceptions import QueuesError
from queues.jobs.job import Job
from queues.store.fields import integer, rq_time, text
from queues.store.job_hash import job_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Claim:
    """One leased job. `fields` are those of its hash, and `foreign` names what it asks of RQ that this worker does not do;
    `claimed_at` is unix seconds by this machine's clock."""

    queue: str
    id: str
    execution: str
    fields: dict[str, bytes]
    worker: str = ""
    claimed_at: float = field(default_factory=time.time)

    @property
    def member(self) -> str:
        """How the lease is written, as RQ writes an execution: `job:execution`."""
        return f"{self.id}:{self.execution}"

    @property
    def name(self) -> str:
        return text(self.fields.get("name"))

    @property
    def attempts_made(self) -> int:
        """Runs charged before this one."""
        return integer(self.fields.get("attempts_made"))

    @property
    def stalls(self) -> int:
        return integer(self.fields.get("stalled"))

    def job(self) -> Job:
        moment = rq_time(self.claimed_at).encode()
        facts = {"status": b"started", "origin": self.queue.encode(), "started_at": moment, "worker_name": self.worker.encode()}
        return job_of(self.id, self.fields | facts)


@dataclass(kw_only=True, eq=False)
class Unit:
    """One call: a single job, or a batch of jobs of one name. Times are by the monotonic clock, in seconds.

    `interruption` is why it was interrupted; `cancelled` are ids of its jobs that shall not start.
    `thread_id` is the thread that may be interrupted, 0 where none may. `kill` is set once a process of its own runs the call:
    from any thread it kills that, so that each claim fails with the error; false where the run was over or killed before.
    """

    queue: str
    name: str
    claims: list[Claim]
    timeout_seconds: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread_id: int = 0
    started_at: float = 0.0
    interrupted_at: float = 0.0
    interruption: QueuesError | None = None
    is_over: bool = False
    kill: Callable[[BaseException], bool] | None = None
    cancelled: set[str] = field(default_factory=set)

    def has(self, job_id: str) -> bool:
        return any(claim.id == job_id for claim in self.claims)
