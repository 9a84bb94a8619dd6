"""What must go on while jobs run: leases, deadlines, heartbeats, schedules. One thread, one look a second."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable

import redis

from queues.conf import settings
from queues.worker.announcer import Announcer, report_trouble
from queues.worker.claims import Claim, Unit
from queues.worker.complaints import Complaints
from queues.worker.deadlines import is_written_off
from queues.worker.leases import REAP_SECONDS, Reaper, renew
from queues.worker.pool import QueueThreads
from queues.worker.scheduler import Scheduler

log = logging.getLogger("queues.worker")


class Keeper:
    """`claims()` gives what the worker holds; `write_off(unit, threads)` is called for runs that ignored their deadline."""

    def __init__(
        self,
        *,
        worker: str,
        connection: redis.Redis,
        pools: dict[str, QueueThreads],
        claims: Callable[[], list[Claim]],
        write_off: Callable[[Unit, QueueThreads], None],
        heartbeat: Callable[[], None],
        announcer: Announcer,
        runs_schedules: bool,
    ) -> None:
        self.worker = worker
        self.connection = connection
        self.pools = pools
        self.claims = claims
        self.write_off = write_off
        self.heartbeat = heartbeat
        self.announcer = announcer
        self.reaper = Reaper(list(pools), announcer.tell)
        self.scheduler = Scheduler() if runs_schedules else None
        self.complaints = Complaints()
        self.stopped = threading.Event()
        self.renewed_at = self.reaped_at = 0.0
        self.looked_at = time.monotonic()
        self.thread = threading.Thread(target=self._work, name="keeper", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(5)

    def _work(self) -> None:
        while True:
            try:
                self._look()
            except redis.exceptions.RedisError as error:
                self.reaper.rest()
                self.complaints.make("server", f"Redis does not serve, leases cannot be renewed: {error}")
            except Exception as error:
                log.exception("The worker's keeper met an error and goes on")
                self.announcer.tell(functools.partial(report_trouble, self.worker, error))
            self.looked_at = time.monotonic()
            if self.stopped.wait(1.0):
                return

    def _look(self) -> None:
        now = time.monotonic()
        for threads in self.pools.values():
            for unit in list(threads.running):
                if is_written_off(unit):
                    self.write_off(unit, threads)
        if now >= self.renewed_at + settings.lease_seconds / 3:
            for job_id in renew(self.connection, self.worker, self.claims()):
                for threads in self.pools.values():
                    threads.cancel(job_id)
            self.heartbeat()
            self.renewed_at = now
        if time.monotonic() > self.looked_at + max(2.0, settings.lease_seconds / 3):
            self.reaper.rest()  # Redis or this machine stood still: others may not have renewed yet
        if now >= self.reaped_at + REAP_SECONDS:
            self.reaper.reap(self.connection)
            self.reaped_at = now
        if self.scheduler is not None:
            self.scheduler.tick()
