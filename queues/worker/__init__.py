"""The worker: one process, many jobs at a time, each leased."""

from queues.worker.worker import ConcurrentWorker

__all__ = ["ConcurrentWorker"]
