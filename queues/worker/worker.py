"""ConcurrentWorker: RQ's worker to the outside (birth, heartbeat, commands, signals), our dispatcher inside."""

from __future__ import annotations

import logging
import signal
import threading
import time
from types import FrameType
from typing import Any, ClassVar

import redis
from rq import worker_registration
from rq.command import parse_payload
from rq.worker.base import BaseWorker

from queues.conf import settings
from queues.exceptions import QueuesError
from queues.store.connection import fail_fast
from queues.store.queue import get_queue
from queues.worker import memory
from queues.worker.complaints import Complaints
from queues.worker.dispatcher import Dispatcher
from queues.worker.mailbox import Mailbox, Message
from queues.worker.options import Limits, WorkerOptions
from queues.worker.wakeup import woken_by_signals

log = logging.getLogger("queues.worker")

CHANNEL_SECONDS = 1.0


class ConcurrentWorker(BaseWorker):
    """One process that runs many jobs at a time in threads, each queue within its own limit."""

    options: ClassVar[WorkerOptions] = WorkerOptions()

    @classmethod
    def with_options(cls, options: WorkerOptions) -> type[ConcurrentWorker]:
        """This class with other options: django-rq builds the worker and passes nothing on, but takes the class."""
        return type(cls.__name__, (cls,), {"options": options, "__module__": cls.__module__, "__qualname__": cls.__qualname__})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.mailbox = Mailbox()
        self.born = threading.Event()
        self.complaints = Complaints()
        self.dispatcher: Dispatcher | None = None
        super().__init__(*args, **kwargs)
        fail_fast(self.connection)  # again: the queues that it built wait as callers do, not as workers

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
        """Works until stopped or a limit is reached; see Limits. Returns whether any job was run.

        `with_scheduler` is accepted and needs nothing: this worker promotes delayed jobs itself.
        """
        if threading.current_thread() is threading.main_thread():
            self._install_signal_handlers()  # before anybody can know of this worker and ask it to stop
        with woken_by_signals(self.mailbox):
            self.bootstrap(logging_level, date_format, log_format)
            self.dispatcher = dispatcher = Dispatcher(
                worker=self.name,
                queues=[queue.name for queue in self.queues],
                connection=self.connection,
                mailbox=self.mailbox,
                limits=Limits(burst=burst, max_jobs=max_jobs, max_idle_seconds=max_idle_time),
                heartbeat=self.heartbeat,
                options=self.options,
            )
            self.born.set()
            try:
                dispatcher.run()
            finally:
                self._end(dispatcher)
        return dispatcher.jobs_run > 0

    def _end(self, dispatcher: Dispatcher) -> None:
        try:
            dispatcher.finish()
            self.teardown()  # type: ignore[no-untyped-call]
        except redis.exceptions.RedisError as error:
            log.error("Redis is away: %d jobs stay leased and will be taken back: %s", len(dispatcher.held), error)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """The first signal lets running jobs finish for QUEUES_SHUTDOWN_SECONDS, a second gives them back at once."""
        self.mailbox.put(Message(stop=True))

    def _install_signal_handlers(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_stop)

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Writes the whole worker, so that one whom an emptied Redis forgot is known again; a dead one fades in three leases."""
        super().heartbeat(timeout or settings.lease_seconds * 3, pipeline)
        if pipeline is None and self.birth_date is not None:
            running = len(self.dispatcher.held) if self.dispatcher else 0
            slots = {f"slots:{name}": pool.concurrency for name, pool in self.dispatcher.pools.items()} if self.dispatcher else {}
            facts = {"state": "busy" if running else "idle", "running": running, **slots, **memory.facts(), **self.serialize()}
            self.connection.hset(self.key, mapping=facts)
            worker_registration.register(self)

    def unsubscribe(self) -> None:
        """RQ wakes the thread before it tells it to end, and then waits a second for it, if that was too early."""
        if self.pubsub_thread:
            self.pubsub_thread.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]

    def handle_payload(self, message: Any) -> None:
        """Commands over RQ's channel: those of RQ that mean something here, and ours."""
        try:
            command = parse_payload(message)
        except ValueError:
            command = None
        if not isinstance(command, dict):
            log.warning("Worker %s does not understand the command %s", self.name, message.get("data"))
        elif command.get("command") == "shutdown":
            self.request_stop(signal.SIGINT, None)
        elif command.get("command") == "pause-queue":
            self.mailbox.put(Message(paused=str(command.get("queue"))))
        elif command.get("command") == "resume-queue":
            self.mailbox.put(Message(rang=True))
        elif command.get("command") == "stop-job":
            self._cancel(str(command.get("job_id")))
        elif command.get("command") == "cancel-job":
            self.mailbox.put(Message(cancelled=str(command.get("job_id"))))
        else:
            log.warning("Worker %s does not support the command %s", self.name, message.get("data"))

    def _cancel(self, job_id: str) -> None:
        """RQ's stop is our cancel, which the job's hash keeps: an item of a batch learns of it there. Its sender names no queue."""
        held = list(self.dispatcher.held.values()) if self.dispatcher else []
        for queue in {claim.queue for claim in held if claim.id == job_id}:
            try:
                get_queue(queue).cancel(job_id)
            except QueuesError as error:
                log.error("Could not cancel %s: %s", job_id, error)

    def _pubsub_exception_handler(self, exc: Exception, pubsub: Any, pubsub_thread: Any) -> None:
        """The channel is opened again whatever happened: RQ's own thread ends for good when Redis hangs. What was said meanwhile is
        found by asking: pauses at the next claim, cancellations at the next renewal of the leases."""
        if pubsub_thread._running.is_set():
            self.complaints.make("channel", f"Worker {self.name} lost its command channel, opening it again: {exc}")
            pubsub.connection.disconnect()  # what a broken reply left in it would be read as the next one
            time.sleep(CHANNEL_SECONDS)
            self.mailbox.put(Message(rang=True))
