"""The names of all keys. The first group is RQ's (see rq's own source), the second ours, under `<prefix>:ext:`."""

from __future__ import annotations

import redis
from rq.defaults import RQ_KEY_PREFIX

PREFIX = RQ_KEY_PREFIX


def job(job_id: str) -> str:
    return f"{PREFIX}:job:{job_id}"


def results(job_id: str) -> str:
    """RQ's stream of a job's charged runs, the latest ten."""
    return f"{PREFIX}:results:{job_id}"


def waiting(queue: str) -> str:
    return f"{PREFIX}:queue:{queue}"


def delayed(queue: str) -> str:
    return f"{PREFIX}:scheduled:{queue}"


def completed(queue: str) -> str:
    return f"{PREFIX}:finished:{queue}"


def failed(queue: str) -> str:
    return f"{PREFIX}:failed:{queue}"


def deferred(queue: str) -> str:
    return f"{PREFIX}:deferred:{queue}"


def workers(queue: str = "") -> str:
    """The keys of all workers of this Redis, or of those that listen on a queue."""
    return f"{PREFIX}:workers:{queue}" if queue else f"{PREFIX}:workers"


def prioritized(queue: str) -> str:
    return f"{PREFIX}:ext:{queue}:prio"


def leases(queue: str) -> str:
    return f"{PREFIX}:ext:{queue}:lease"


def state(queue: str) -> str:
    return f"{PREFIX}:ext:{queue}:state"


def wake(queue: str) -> str:
    return f"{PREFIX}:ext:{queue}:wake"


def log(job_id: str) -> str:
    return f"{PREFIX}:ext:log:{job_id}"


def worker(name: str) -> str:
    return f"{PREFIX}:worker:{name}"


def alert(queue: str) -> str:
    return f"{PREFIX}:ext:{queue}:alert"


def untold(queue: str) -> str:
    return f"{PREFIX}:ext:{queue}:untold"


def probe(token: str) -> str:
    return f"{PREFIX}:ext:probe:{token}"


def reaper_lock(queue: str) -> str:
    return f"{PREFIX}:ext:{queue}:reaper"


def minute(queue: str, number: int) -> str:
    """What was counted in one minute since 1970."""
    return f"{PREFIX}:ext:{queue}:minute:{number}"


def hour(queue: str, number: int) -> str:
    return f"{PREFIX}:ext:{queue}:hour:{number}"


def counts(queue: str) -> str:
    """What was counted by job name since ever."""
    return f"{PREFIX}:ext:{queue}:counts"


def errors(queue: str) -> str:
    """When each group of errors first and last killed a job."""
    return f"{PREFIX}:ext:{queue}:errors"


def index(queue: str, what: str) -> str:
    """`what` as in `name:greet`, `owner:7` or `error:ValueError`: ids of jobs."""
    return f"{PREFIX}:ext:{queue}:by:{what}"


def schedule(name: str) -> str:
    return f"{PREFIX}:ext:schedule:{name}"


def schedule_runs(name: str) -> str:
    return f"{PREFIX}:ext:schedule:{name}:runs"


def ring(pipeline: redis.Redis, queue: str) -> None:
    """Leaves the one marker that wakes an idle worker."""
    pipeline.rpush(wake(queue), 1)
    pipeline.ltrim(wake(queue), 0, 0)
