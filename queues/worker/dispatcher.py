"""The main thread of a worker: it alone claims and settles, a round trip each, until there is a reason to end."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Sequence

import redis

from queues.conf import settings
from queues.exceptions import JobTimeout, QueuesError
from queues.store import keys
from queues.store.connection import new_connection
from queues.store.queue import get_queue
from queues.worker.announcer import Announcer, report_trouble
from queues.worker.bell import Bell
from queues.worker.claimer import Claimer, Room
from queues.worker.claims import Claim, Unit
from queues.worker.complaints import Complaints
from queues.worker.keeper import Keeper
from queues.worker.mailbox import Mailbox, Message
from queues.worker.options import BURST_PATIENCE_SECONDS, Limits, WorkerOptions
from queues.worker.outcomes import Kind, Outcome, failed
from queues.worker.pool import QueueThreads
from queues.worker.settling import settle

log = logging.getLogger("queues.worker")

RECONNECT_SECONDS = 1.0


class Dispatcher:
    """Runs the jobs of some queues of one server. `heartbeat` is called every third of a lease."""

    def __init__(
        self,
        *,
        worker: str,
        queues: Sequence[str],
        connection: redis.Redis,
        mailbox: Mailbox,
        limits: Limits,
        heartbeat: Callable[[], None],
        options: WorkerOptions,
    ) -> None:
        self.worker, self.connection, self.mailbox, self.limits = worker, connection, mailbox, limits
        self.jobs_run = 0
        self.stops = 0
        self.last_job_at = time.monotonic()
        self.held: dict[str, Claim] = {}
        self.unsettled: list[Outcome] = []
        self.awaited: dict[str, str] = {}  # jobs that this worker put back, and their queue: a burst waits for them
        self.complaints = Complaints()
        self.claimer = Claimer(worker=worker, lease_seconds=settings.lease_seconds, batches=options.handler is None)
        self.announcer = Announcer()
        self.pools = {
            name: QueueThreads(name, options.concurrency.get(name) or get_queue(name).concurrency, self._done, options.handler)
            for name in queues
        }
        self.bell = Bell(new_connection(queues[0], answer_seconds=10), mailbox)
        self.keeper = Keeper(
            worker=worker,
            connection=connection,
            pools=self.pools,
            claims=lambda: list(self.held.values()),
            write_off=self._write_off,
            heartbeat=heartbeat,
            announcer=self.announcer,
            runs_schedules=options.runs_schedules,
        )

    def run(self) -> None:
        """Works until a stop message or a limit. Redis being away is reported and waited out, never fatal."""
        self.keeper.start()
        wait = 0.0
        while wait >= 0 and not self.stops:
            self._receive(wait)
            for pool in self.pools.values():
                self._put_back(pool.take_held_up())
            try:
                self._settle()
                wait = self._claim()
                self.complaints.withdraw("server", "Redis serves again")
            except redis.exceptions.RedisError as error:
                text = f"Redis does not serve, trying again every {RECONNECT_SECONDS:g} s: {type(error).__name__}: {error}"
                self._complain("server", text, error)
                if isinstance(error, redis.exceptions.ReadOnlyError):  # it was demoted: its name may lead elsewhere by now
                    self.connection.connection_pool.disconnect(inuse_connections=False)
                wait = RECONNECT_SECONDS

    def finish(self) -> None:
        """Gives back what did not start, waits QUEUES_SHUTDOWN_SECONDS for what runs or a second stop, gives back the rest."""
        deadline = time.monotonic() + settings.shutdown_seconds
        self.bell.stop()
        for pool in self.pools.values():
            self._put_back(pool.take_unstarted())
            pool.end()
        self._settle()
        while self.held and self.stops < 2 and time.monotonic() < deadline:
            self._receive(0.2)
            self._settle()
        for pool in self.pools.values():
            pool.children.close()
        self._put_claims_back(list(self.held.values()))
        self._settle()
        self.keeper.stop()
        self.announcer.stop(timeout_seconds=5)

    def _receive(self, timeout_seconds: float) -> None:
        for message in self.mailbox.take(timeout_seconds):
            self.stops += message.stop
            if message.paused in self.pools:
                self._put_back(self.pools[message.paused].take_unstarted())
            if message.cancelled:
                for pool in self.pools.values():
                    pool.cancel(message.cancelled)
            if message.unit is not None:
                self.pools[message.unit.queue].finished(message.unit, message.seconds)
                self.unsettled += message.outcomes
                self.last_job_at = time.monotonic()

    def _put_back(self, units: Sequence[Unit]) -> None:
        self._put_claims_back([claim for unit in units for claim in unit.claims])

    def _put_claims_back(self, claims: Sequence[Claim]) -> None:
        """Each goes to the very front: the last one first, so that their order stays."""
        self.unsettled += [Outcome(claim=claim, kind=Kind.BACK) for claim in reversed(claims)]

    def _settle(self) -> None:
        if not self.unsettled:
            return
        outcomes = self.unsettled
        settled = settle(self.connection, self.worker, outcomes)
        self.unsettled = []
        for outcome in outcomes:
            self.held.pop(outcome.claim.member, None)
        self.jobs_run += sum(outcome.kind is not Kind.BACK for outcome in outcomes)
        if self.limits.burst:
            soon = [outcome.claim for outcome in settled if outcome.is_put_back and outcome.delay_seconds <= BURST_PATIENCE_SECONDS]
            self.awaited |= {claim.id: claim.queue for claim in soon}
        if len(settled) < len(outcomes):
            text = "%d runs were not settled: their lease was lost, or a call that was not answered had settled them"
            log.warning(text, len(outcomes) - len(settled))
        self.announcer.announce(settled)

    def _claim(self) -> float:
        """Takes what there is room for. Returns the seconds to wait for more, negative when the worker is done."""
        limit = self.limits.max_jobs
        most = 1_000_000 if limit is None else limit - self.jobs_run - len(self.held)
        if most <= 0:
            self.bell.listen(())
            return settings.poll_seconds if self.held else -1.0
        rooms = [Room(queue=name, units=pool.room) for name, pool in self.pools.items()]
        units, next_due = self.claimer.claim(self.connection, rooms, most=most)
        for unit in units:  # before anything else asks Redis, which may fail
            self.held |= {claim.member: claim for claim in unit.claims}
            for claim in unit.claims:
                self.awaited.pop(claim.id, None)
            self.pools[unit.queue].submit(unit)
        self._attend()
        self.bell.listen(name for name, pool in self.pools.items() if pool.room and name not in self.claimer.resting)
        if not self.held and self._is_done(next_due):
            log.info("Worker %s: nothing left to do", self.worker)
            return -1.0
        wait = 0.0 if self.unsettled else float(settings.poll_seconds)
        return wait if next_due is None else max(0.0, min(wait, next_due))

    def _attend(self) -> None:
        """What a claim's answer tells besides jobs: pauses that a lost message announced, broken queues, claims that went astray."""
        for name in self.claimer.paused | self.claimer.resting:
            self._put_back(self.pools[name].take_unstarted())
        self._put_claims_back(self.claimer.lost(self.connection, self.pools))
        for fault in self.claimer.faults:
            self._complain(fault, f"A queue is left alone: {fault}", QueuesError(fault))

    def _complain(self, subject: str, text: str, error: Exception) -> None:
        if self.complaints.make(subject, text):
            self.announcer.tell(functools.partial(report_trouble, self.worker, error))

    def _is_done(self, next_due: float | None) -> bool:
        if next_due is not None and next_due <= 0:
            return False  # the claim ended before it had seen all
        if self.limits.burst:
            ours = self.awaited.items() if next_due is not None else ()
            self.awaited = {job: queue for job, queue in ours if self.connection.zscore(keys.delayed(queue), job) is not None}
            return not self.awaited
        longest = self.limits.max_idle_seconds
        return longest is not None and time.monotonic() - self.last_job_at >= longest

    def _done(self, unit: Unit, outcomes: list[Outcome], seconds: float) -> None:
        self.mailbox.put(Message(unit=unit, outcomes=outcomes, seconds=seconds))

    def _write_off(self, unit: Unit, threads: QueueThreads) -> None:
        error = JobTimeout(f"ran longer than its timeout of {unit.timeout_seconds:g} s and could not be interrupted")
        threads.running.discard(unit)
        threads.start_thread()
        self._done(unit, [failed(claim, error) for claim in unit.claims], unit.timeout_seconds)
