"""Job queues with BullMQ's semantics on django-rq, RQ and Redis. What is listed here is the public interface."""

from collections.abc import Sequence
from datetime import timedelta

from queues.exceptions import (
    InvalidPayload,
    InvalidSchedule,
    NonRetryable,
    QueuesError,
    RedisUnavailable,
    RetryLater,
    UnknownJob,
    UnknownQueue,
    UnknownSchedule,
)
from queues.jobs.backoff import Exponential, Fixed
from queues.jobs.batch import Batch, Item
from queues.jobs.decorators import job, schedule
from queues.jobs.job import Job
from queues.jobs.states import State
from queues.operations.schedules import ScheduleInfo, get_schedule, get_schedules
from queues.publish import add_job, add_jobs
from queues.store.queue import Queue, get_queue, queue_names
from queues.store.schedules import PastRun
from queues.store.stats import QueueStats


def get_queue_stats(name: str) -> QueueStats:
    """Waiting, active, completed, failed and delayed jobs of a queue. Raises UnknownQueue, RedisUnavailable."""
    return get_queue(name).stats()


def pause_queue(name: str) -> None:
    """No worker takes jobs of the queue until it is resumed."""
    get_queue(name).pause()


def resume_queue(name: str) -> None:
    get_queue(name).resume()


def is_paused(name: str) -> bool:
    return get_queue(name).is_paused


def clean_queue(name: str, older_than: float | timedelta, *, states: Sequence[str] = ("completed", "failed"), limit: int = 0) -> int:
    """Removes jobs that ended at least so long ago (seconds or a timedelta). Returns how many."""
    seconds = older_than.total_seconds() if isinstance(older_than, timedelta) else older_than
    return get_queue(name).clean(seconds, states=states, limit=limit)


def get_failed_jobs(name: str, start: int = 0, end: int = -1) -> list[Job]:
    """The queue's dead letters, newest first, both ends included."""
    return get_queue(name).jobs(State.FAILED, start, end)


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
    # queues
    "Queue",
    "QueueStats",
    "clean_queue",
    "get_failed_jobs",
    "get_queue",
    "get_queue_stats",
    "is_paused",
    "pause_queue",
    "queue_names",
    "resume_queue",
    # schedules
    "PastRun",
    "ScheduleInfo",
    "get_schedule",
    "get_schedules",
    "schedule",
    # errors
    "InvalidPayload",
    "InvalidSchedule",
    "NonRetryable",
    "QueuesError",
    "RedisUnavailable",
    "RetryLater",
    "UnknownJob",
    "UnknownQueue",
    "UnknownSchedule",
]
