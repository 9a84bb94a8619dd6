"""What a test's code has enqueued."""

from __future__ import annotations

from queues.jobs.job import Job
from queues.jobs.states import State
from queues.publication import provisional_jobs
from queues.store.queue import get_queue, queue_names

STATES = (State.WAITING, State.DELAYED, State.PROVISIONAL)


def enqueued_jobs(*names: str, name: str | None = None, state: State | str | None = None) -> list[Job]:
    """The jobs of these queues (default: all of them) that have not started, queue by queue; only those of a job `name` and `state`.

    First the waiting ones, next first; then the delayed ones, earliest first; last the provisional ones, which leave
    when the open transaction of this thread commits (in a `TestCase`: see captureOnCommitCallbacks).
    Raises ValueError for a state of jobs that have started, UnknownQueue, RedisUnavailable.
    """
    wanted = STATES if state is None else (State(state),)
    if wrong := [each for each in wanted if each not in STATES]:
        raise ValueError(f"Enqueued jobs are {', '.join(STATES)}, not {wrong[0]}.")
    found = [job for queue in names or queue_names() for each in wanted for job in _in_state(queue, each)]
    return [job for job in found if name in (None, job.name)]


def _in_state(queue: str, state: State) -> list[Job]:
    if state is State.PROVISIONAL:
        return [job for job in provisional_jobs() if job.queue == queue]
    return get_queue(queue).jobs(state)
