"""Job queues with BullMQ's semantics on django-rq, RQ and Redis. What is listed here is the public interface."""

from queues.exceptions import (
    InvalidPayload,
    NonRetryable,
    QueuesError,
    RedisUnavailable,
    RetryLater,
    UnknownJob,
    UnknownQueue,
)
from queues.jobs.backoff import Exponential, Fixed
from queues.jobs.batch import Batch, Item
from queues.jobs.decorators import job, schedule
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.publish import add_job, add_jobs
from queues.store.queue import Queue, QueueStats, get_queue, queue_names


def get_queue_stats(name: str) -> QueueStats:
    """Waiting, active, completed, failed and delayed jobs of a queue. Raises UnknownQueue, RedisUnavailable."""
    return get_queue(name).stats()


__all__ = [
    # jobs
    "Batch",
    "Exponential",
    "Fixed",
    "Item",
    "Job",
    "State",
    "add_job",
    "add_jobs",
    "job",
    "schedule",
    # queues
    "Queue",
    "QueueStats",
    "get_queue",
    "get_queue_stats",
    "queue_names",
    # errors
    "InvalidPayload",
    "NonRetryable",
    "QueuesError",
    "RedisUnavailable",
    "RetryLater",
    "UnknownJob",
    "UnknownQueue",
]
