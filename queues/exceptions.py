"""What can go wrong in `queues`; each docstring is the fact that the exception states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from queues.durations import LONGEST_SECONDS, Duration, in_seconds

if TYPE_CHECKING:
    from queues.jobs.job import Job


class QueuesError(Exception):
    """Something in the job system went wrong."""


class UnknownQueue(QueuesError):
    """The queue is not in RQ_QUEUES."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"Unknown queue {name!r}: RQ_QUEUES has {', '.join(sorted(known)) or 'no queues'}.")


class UnknownJob(QueuesError):
    """No job of this name is registered."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(
            f"Unknown job {name!r}: registered are {', '.join(sorted(known)) or 'none'}. "
            "Is its module a jobs.py (or tasks.py) of an installed app?"
        )


class AlreadyRegistered(QueuesError):
    """Two functions claim one job name, or two workers of one process one queue."""


class InvalidJob(QueuesError):
    """A function cannot be a job: its parameters do not describe a payload."""


class InvalidSchedule(QueuesError):
    """A schedule does not say when, or its name is taken."""


class UnknownSchedule(QueuesError):
    """No registered job has a schedule of this name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"Unknown schedule {name!r}: there are {', '.join(sorted(known)) or 'none'}.")


class InvalidPayload(QueuesError):
    """The payload does not fit the job, is no JSON, or is longer than QUEUES_MAX_PAYLOAD_BYTES."""


class JobNotFound(QueuesError):
    """No Redis of RQ_QUEUES has a job of this id."""


class JobIdTaken(QueuesError):
    """An unfinished job of another queue has the chosen id."""

    def __init__(self, jobs: list[Job]) -> None:
        super().__init__(f"Unfinished jobs of other queues have the ids {', '.join(job.id for job in jobs)}.")
        self.jobs = jobs


class UnknownWorker(QueuesError):
    """No living worker has this name, and none serves a queue of this name."""


class StillStarting(QueuesError):
    """A job cannot be added while Django starts, by the import of a jobs.py or in ready(): every process would add one."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class WrongQueue(QueuesError):
    """The job belongs to another queue."""


class Refused(QueuesError):
    """What stands in the queue is not work that this worker may run."""


class RedisUnavailable(QueuesError):
    """Redis did not answer."""


class UnsupportedByQueues(QueuesError):
    """RQ offers this, our worker would not honour it, so it is refused when enqueued."""


class NonRetryable(QueuesError):
    """Raised in a job: fail at once, whatever attempts remain."""


class RetryLater(QueuesError):
    """Raised in a job: put it back for so long (seconds or a timedelta, at most a year) without charging an attempt."""

    def __init__(self, seconds: Duration = 1.0, reason: str = "") -> None:
        wait = in_seconds(seconds)
        super().__init__(reason or f"retry in {wait:g} s")
        self.seconds = min(max(0.0, wait), LONGEST_SECONDS) if math.isfinite(wait) else 1.0


class JobCancelled(QueuesError):
    """The job was cancelled."""


class EndlessJobs(QueuesError):
    """Jobs put themselves back, or add others, without end."""


class NotATestRedis(QueuesError):
    """QUEUES_TEST_REDIS does not say that this Redis is there for tests alone, so its jobs were not deleted."""


class PackageMissing(QueuesError):
    """A package that only this needs is not installed."""


class JobTimeout(QueuesError):
    """The job ran longer than its timeout."""


class JobProcessDied(QueuesError):
    """The process of an isolated job ended under it."""


class JobStalled(QueuesError):
    """The job's worker disappeared more often than QUEUES_STALL_LIMIT allows."""
