"""Workers inside this process, in threads: for servers that work on the side, and for tests."""

from __future__ import annotations

import atexit
import inspect
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Literal, get_args

import django_rq
from django.dispatch import Signal

from queues import signals
from queues.exceptions import AlreadyRegistered
from queues.jobs.job import Job
from queues.jobs.options import is_whole
from queues.store.connection import new_connection
from queues.store.queue import get_queue
from queues.worker.mailbox import Message
from queues.worker.options import Handler, WorkerOptions
from queues.worker.worker import ConcurrentWorker

Event = Literal["completed", "failed", "progress", "stalled", "error"]

_workers: dict[str, Worker] = {}


class Worker:
    """A worker of one queue that runs from its registration to `close()`; as a context manager it is closed at the end.

    Jobs run in threads of this process, with database connections of their own: they do not see a test's open transaction.
    """

    def __init__(self, queue: str, handler: Handler | None = None, *, concurrency: int | None = None) -> None:
        options = WorkerOptions(handler=handler, concurrency={queue: concurrency} if concurrency else {})
        rq_queue = django_rq.get_queue(queue)
        self.queue = queue
        self._receivers: list[tuple[Signal, Callable[..., None]]] = []
        self._worker = ConcurrentWorker.with_options(options)(
            [rq_queue], connection=new_connection(queue), serializer=rq_queue.serializer, queue_class=type(rq_queue)
        )
        self._thread = threading.Thread(target=self._work, name=f"worker-{queue}", daemon=True)
        self._thread.start()
        while self._thread.is_alive() and not self._worker.born.wait(0.1):
            continue  # until others know of it: then it can be paused, for instance

    def _work(self) -> None:
        try:
            self._worker.work(logging_level=None)
        finally:
            self._worker.connection.close()  # its own

    @property
    def name(self) -> str:
        return str(self._worker.name)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def on(self, event: Event, callback: Callable[..., object]) -> Worker:
        """Calls back from the worker's threads: completed(job), failed(job, error) after each failed attempt, progress(job, progress),
        stalled(job) for jobs of this queue, error(error) for the worker's own trouble. What a callback raises is logged.

        Raises ValueError for another event."""
        match event:
            case "completed":
                self._connect(signals.completed, lambda job, **_: self._is_mine(job) and callback(job))
            case "failed":
                self._connect(signals.failed, lambda job, error, **_: self._is_mine(job) and callback(job, error))
            case "progress":
                self._connect(signals.progressed, lambda job, progress, **_: self._is_mine(job) and callback(job, progress))
            case "stalled":
                self._connect(signals.stalled, lambda job, **_: job.queue == self.queue and callback(job))
            case "error":
                self._connect(signals.worker_error, lambda worker, error, **_: worker == self.name and callback(error))
            case _:
                raise ValueError(f"{event!r} is no event: there are {', '.join(get_args(Event))}.")
        return self

    def close(self, timeout_seconds: float | None = None) -> None:
        """Takes no more jobs, lets running ones finish for QUEUES_SHUTDOWN_SECONDS, gives the rest back, and returns when that is done."""
        self._worker.mailbox.put(Message(stop=True))
        self._thread.join(timeout_seconds)
        for signal, receiver in self._receivers:
            signal.disconnect(receiver)
        if _workers.get(self.queue) is self:
            del _workers[self.queue]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _connect(self, signal: Signal, receiver: Callable[..., Any]) -> None:
        signal.connect(receiver, weak=False)
        self._receivers.append((signal, receiver))

    def _is_mine(self, job: Job) -> bool:
        return job.worker == self.name


def register_worker(queue: str, handler: Handler | None = None, *, concurrency: int | None = None) -> Worker:
    """Starts a worker of the queue in this process and returns it.

    It runs the queue's registered jobs, or calls `handler(job)` for each of them; their names and payloads are validated as always.
    `concurrency` is the queue's own by default. Raises ValueError, UnknownQueue, RedisUnavailable, AlreadyRegistered where this process has
    one.
    """
    if concurrency is not None and (not is_whole(concurrency) or concurrency < 1):
        raise ValueError(f"concurrency must be a whole number of at least 1, not {concurrency!r}")
    if inspect.iscoroutinefunction(handler):
        raise ValueError("the handler is async, and jobs run in threads: make it a plain function, with asyncio.run inside")
    get_queue(queue).stats()
    if (known := _workers.get(queue)) is not None:
        if known.is_running:
            raise AlreadyRegistered(f"This process has a worker of {queue!r} already: close it first.")
        known.close()  # it failed, or was this process's parent's
    atexit.unregister(close_workers)
    atexit.register(close_workers)
    _workers[queue] = worker = Worker(queue, handler, concurrency=concurrency)
    return worker


def close_workers() -> None:
    """Closes all workers of this process, as Worker.close does."""
    for worker in list(_workers.values()):
        worker.close()
