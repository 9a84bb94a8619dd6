"""Job queues with BullMQ's semantics on django-rq, RQ and Redis. What is listed here is the public interface."""

from queues.control import (
    cancel_job,
    clean_queue,
    close_queues,
    drain_queue,
    get_all_queue_stats,
    get_failed_jobs,
    get_job,
    get_jobs,
    get_queue_stats,
    get_worker,
    get_workers,
    is_paused,
    pause_queue,
    pause_worker,
    promote_job,
    remove_failed,
    remove_job,
    resume_queue,
    resume_worker,
    retry_failed,
    retry_job,
    stop_worker,
)
from queues.decorators import job, schedule
from queues.exceptions import (
    AlreadyRegistered,
    InvalidJob,
    InvalidPayload,
    InvalidSchedule,
    JobCancelled,
    JobIdTaken,
    JobNotFound,
    JobStalled,
    JobTimeout,
    NonRetryable,
    QueuesError,
    RedisUnavailable,
    RetryLater,
    UnknownJob,
    UnknownQueue,
    UnknownSchedule,
    UnknownWorker,
    WrongQueue,
)
from queues.jobs.backoff import Exponential, Fixed
from queues.jobs.batch import Batch, Item
from queues.jobs.job import Job
from queues.jobs.options import Debounce, Keep
from queues.jobs.running import current_job, log, report_progress
from queues.jobs.states import State
from queues.operations.health import QueueHealth, check_queue_health
from queues.operations.schedules import ScheduleInfo, get_schedule, get_schedules
from queues.publish import add_job, add_jobs
from queues.store.history import Attempt
from queues.store.queue import Queue, get_queue, queue_names
from queues.store.schedules import PastRun
from queues.store.stats import QueueStats
from queues.store.workers import WorkerInfo
from queues.worker.local import Worker, close_workers, register_worker

__all__ = [
    # jobs
    "Attempt",
    "Batch",
    "Debounce",
    "Exponential",
    "Fixed",
    "Item",
    "Job",
    "Keep",
    "State",
    "add_job",
    "add_jobs",
    "cancel_job",
    "current_job",
    "get_job",
    "get_jobs",
    "job",
    "log",
    "promote_job",
    "remove_job",
    "report_progress",
    "retry_job",
    # queues
    "Queue",
    "QueueHealth",
    "QueueStats",
    "check_queue_health",
    "clean_queue",
    "close_queues",
    "drain_queue",
    "get_all_queue_stats",
    "get_failed_jobs",
    "get_queue",
    "get_queue_stats",
    "is_paused",
    "pause_queue",
    "queue_names",
    "remove_failed",
    "resume_queue",
    "retry_failed",
    # workers
    "Worker",
    "WorkerInfo",
    "close_workers",
    "get_worker",
    "get_workers",
    "pause_worker",
    "register_worker",
    "resume_worker",
    "stop_worker",
    # schedules
    "PastRun",
    "ScheduleInfo",
    "get_schedule",
    "get_schedules",
    "schedule",
    # errors
    "AlreadyRegistered",
    "InvalidJob",
    "InvalidPayload",
    "InvalidSchedule",
    "JobCancelled",
    "JobIdTaken",
    "JobNotFound",
    "JobStalled",
    "JobTimeout",
    "NonRetryable",
    "QueuesError",
    "RedisUnavailable",
    "RetryLater",
    "UnknownJob",
    "UnknownQueue",
    "UnknownSchedule",
    "UnknownWorker",
    "WrongQueue",
]
