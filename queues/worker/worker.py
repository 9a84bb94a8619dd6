"""ConcurrentWorker: RQ's worker to the outside (birth, heartbeat, commands), its own way of claiming, running and settling."""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any

import redis
from rq import worker_registration
from rq.worker.base import BaseWorker

from queues.conf import settings
from queues.exceptions import JobTimeout
from queues.store import keys
from queues.store.connection import fail_fast, new_connection
from queues.store.queue import get_queue
from queues.worker.announcer import Announcer
from queues.worker.claims import Claim, Claimer, Room, Unit
from queues.worker.keeper import Keeper
from queues.worker.mailbox import Bell, Mailbox, Message
from queues.worker.outcomes import Kind, Outcome, failed, settle
from queues.worker.pool import QueueThreads

log = logging.getLogger("queues.worker")

RECONNECT_SECONDS = 1.0


class ConcurrentWorker(BaseWorker):
    """One process that runs many jobs at a time in threads, each queue within its own limit.

    The main thread claims and settles, in one round trip each; see `claims`, `pool`, `keeper`, `outcomes`.
    """

    def _set_connection(self, connection: redis.Redis) -> redis.Redis:
        return fail_fast(connection)  # RQ's would raise the timeout of everybody who shares the pool

    def work(  # type: ignore[override]  # RQ passes keywords; dequeue_strategy means nothing here
        self,
        burst: bool = False,
        logging_level: str | None = None,
        date_format: str = "%H:%M:%S",
        log_format: str = "%(asctime)s %(message)s",
        max_jobs: int | None = None,
        max_idle_time: int | None = None,
        with_scheduler: bool = False,
        **_: Any,
    ) -> bool:
        """Works until stopped; with `burst` until nothing waits, retries of this worker's own jobs included.

        `with_scheduler` is accepted and needs nothing: this worker promotes delayed jobs itself.
        Returns whether any job was run.
        """
        self.bootstrap(logging_level, date_format, log_format)
        if threading.current_thread() is threading.main_thread():
            self._install_signal_handlers()
        self._prepare(burst=burst, max_jobs=max_jobs, max_idle_time=max_idle_time)
        try:
            self._loop()
        finally:
            self._finish()
        return self.jobs_run > 0

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """The first signal lets running jobs finish for QUEUES_SHUTDOWN_SECONDS, a second gives them back at once."""
        if self._stop_requested:
            self.stop_deadline = 0.0
        self._stop_requested = True
        self.mailbox.put(Message(stop=True))

    def _install_signal_handlers(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_stop)

    def _prepare(self, *, burst: bool, max_jobs: int | None, max_idle_time: int | None) -> None:
        self.burst, self.max_jobs, self.max_idle_time = burst, max_jobs, max_idle_time
        self.jobs_run = 0
        self.stop_deadline = float("inf")
        self.last_job_at = time.monotonic()
        self.awaited: dict[str, str] = {}  # jobs that this worker put back, and their queue: a burst waits for them
        self.unsettled: list[Outcome] = []
        self.claimer = Claimer(worker=self.name, lease_seconds=settings.lease_seconds)
        self.announcer = Announcer()
        names = [queue.name for queue in self.queues]
        self.pools = {name: QueueThreads(name, get_queue(name).concurrency, self._done) for name in names}
        self.bell = Bell(new_connection(names[0], answer_seconds=10), self.mailbox)
        self.keeper = Keeper(
            worker=self.name,
            connection=self.connection,
            pools=self.pools,
            claims=lambda: list(self.held.values()),
            write_off=self._write_off,
            heartbeat=self.heartbeat,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.mailbox = Mailbox()
        self.held: dict[str, Claim] = {}
        super().__init__(*args, **kwargs)

    def _loop(self) -> None:
        wait = 0.0
        while not self._stop_requested:
            messages = self.mailbox.take(wait)
            self._receive(messages)
            try:
                self._settle()
                wait = self._claim()
            except redis.exceptions.RedisError as error:
                log.error("Redis is away, trying again in %g s: %s", RECONNECT_SECONDS, error)
                wait = RECONNECT_SECONDS
                continue
            if wait < 0:
                log.info("Worker %s: nothing left to do", self.name)
                return

    def _receive(self, messages: list[Message]) -> None:
        for message in messages:
            if message.unit is not None:
                self.pools[message.unit.queue].finished(message.seconds)
                self.unsettled += message.outcomes
                self.last_job_at = time.monotonic()

    def _settle(self) -> None:
        if not self.unsettled:
            return
        outcomes = self.unsettled
        settled = settle(self.connection, self.name, outcomes)
        self.unsettled = []
        for outcome in outcomes:
            self.held.pop(outcome.claim.member, None)
        self.jobs_run += len(outcomes)
        self.awaited |= {
            outcome.claim.id: outcome.claim.queue for outcome in settled if outcome.kind in (Kind.RETRY, Kind.LATER, Kind.BACK)
        }
        if len(settled) < len(outcomes):
            log.warning("%d runs ended after their lease was lost; their outcome was dropped", len(outcomes) - len(settled))
        self.announcer.announce(settled)

    def _claim(self) -> float:
        """Takes what there is room for. Returns the seconds to wait for more, negative when the worker is done."""
        most = float("inf") if self.max_jobs is None else self.max_jobs - self.jobs_run - len(self.held)
        if most <= 0:
            return settings.poll_seconds if self.held else -1.0
        rooms = [Room(queue=name, units=int(min(pool.room, most))) for name, pool in self.pools.items()]
        units, next_due = self.claimer.claim(self.connection, rooms)
        for unit in units:
            self.held |= {claim.member: claim for claim in unit.claims}
            for claim in unit.claims:
                self.awaited.pop(claim.id, None)
            self.pools[unit.queue].submit(unit)
        self.bell.listen(name for name, pool in self.pools.items() if pool.room)
        if not self.held and not units and self._is_done(next_due):
            return -1.0
        wait = float(settings.poll_seconds)
        return wait if next_due is None else max(0.0, min(wait, next_due))

    def _is_done(self, next_due: float | None) -> bool:
        if self.burst:
            ours = self.awaited.items() if next_due is not None else ()
            self.awaited = {job: queue for job, queue in ours if self.connection.zscore(keys.delayed(queue), job) is not None}
            return not self.awaited
        return self.max_idle_time is not None and time.monotonic() - self.last_job_at >= self.max_idle_time

    def _done(self, unit: Unit, outcomes: list[Outcome], seconds: float) -> None:
        self.mailbox.put(Message(unit=unit, outcomes=outcomes, seconds=seconds))

    def _write_off(self, unit: Unit, threads: QueueThreads) -> None:
        error = JobTimeout(f"ran longer than its timeout of {unit.timeout_seconds:g} s and could not be interrupted")
        threads.running.discard(unit)
        threads.start_thread()
        self._done(unit, [failed(claim, error) for claim in unit.claims], unit.timeout_seconds)

    def _finish(self) -> None:
        """Gives back what did not start, waits for what runs, then gives back the rest. Keeps leases alive meanwhile."""
        deadline = time.monotonic() + settings.shutdown_seconds
        for pool in self.pools.values():
            unstarted = [claim for unit in pool.take_back() for claim in unit.claims]
            self.unsettled += [Outcome(claim=claim, kind=Kind.BACK) for claim in unstarted]
        try:
            self._settle()
            while self.held and time.monotonic() < min(deadline, self.stop_deadline):
                self._receive(self.mailbox.take(0.2))
                self._settle()
            self.unsettled += [Outcome(claim=claim, kind=Kind.BACK) for claim in self.held.values()]
            self._settle()
            self.announcer.stop(5)
            self.keeper.stop()
            self.teardown()  # type: ignore[no-untyped-call]
        except redis.exceptions.RedisError as error:
            log.error("Redis is away: %d jobs stay leased and will be taken back: %s", len(self.held), error)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Writes the whole worker, so that one whom an emptied Redis forgot is known again; a dead one fades in three leases."""
        super().heartbeat(timeout or settings.lease_seconds * 3, pipeline)
        if pipeline is None and self.birth_date is not None:
            state = "busy" if self.held else "idle"
            self.connection.hset(self.key, mapping={"state": state, "running": len(self.held), **self.serialize()})
            worker_registration.register(self)

    def handle_payload(self, message: Any) -> None:
        """Commands over RQ's channel: only shutdown means something here yet."""
        from rq.command import parse_payload

        if parse_payload(message).get("command") == "shutdown":
            self.request_stop(signal.SIGINT, None)
        else:
            log.warning("Worker %s does not support the command %s", self.name, message.get("data"))
