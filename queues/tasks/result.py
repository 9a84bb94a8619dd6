"""From a job and its runs to the `TaskResult` of Django's interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

from queues import exceptions
from queues.jobs.job import Job
from queues.jobs.states import ENDED, State
from queues.store.history import Attempt, Ending
from queues.tasks.call import TaskCall
from queues.tasks.errors import RecordedError, error_of
from queues.tasks.interface import Task, TaskResult, TaskResultStatus

P = ParamSpec("P")
T = TypeVar("T")

STATUS = {
    State.ACTIVE: TaskResultStatus.RUNNING,
    State.COMPLETED: TaskResultStatus.SUCCESSFUL,
    State.FAILED: TaskResultStatus.FAILED,
}
"""What waits, for its first run or the next one, is READY."""


def build(task: Task[P, T], call: TaskCall, job: Job, runs: Sequence[Attempt]) -> TaskResult[P, T]:
    """The result at the moment of `job`; `runs` are the latest ones, newest first.

    Raises InvalidTask where its backend would not take the task any more.
    """
    status = STATUS.get(job.state, TaskResultStatus.READY)
    asked = {"priority": -job.priority, "queue_name": job.queue, "backend": call.backend, "run_after": call.run_after}
    finished_at = job.ended_at if job.state in ENDED else None
    result = TaskResult(
        task=replace(task, **asked),  # type: ignore[arg-type]  # of several types
        id=job.id,
        status=status,
        enqueued_at=call.enqueued_at,
        started_at=min((moment for moment in (job.started_at, *(run.started_at for run in runs)) if moment), default=None),
        last_attempted_at=job.started_at,
        finished_at=finished_at,
        args=call.args,
        kwargs=call.kwargs,
        backend=call.backend,
        errors=[error for run in reversed(runs) if (error := error_of(run))],
        worker_ids=[run.worker for run in reversed(runs)],
    )
    _add_unrecorded_run(result, job, runs)
    if status is TaskResultStatus.SUCCESSFUL and runs:
        object.__setattr__(result, "_return_value", runs[0].result)
    return result


def _add_unrecorded_run(result: TaskResult[..., Any], job: Job, runs: Sequence[Attempt]) -> None:
    """The run that goes on, the good one that returned nothing, and a death that no worker saw have no entry."""
    latest = runs[0].ending if runs else None
    is_good = job.state is State.COMPLETED and latest is not Ending.COMPLETED
    has_vanished = job.state is State.FAILED and latest is not Ending.FAILED
    if job.worker and (job.state is State.ACTIVE or is_good or has_vanished):
        result.worker_ids.append(job.worker)
    if has_vanished:
        name = job.error_class if hasattr(exceptions, job.error_class) else "QueuesError"
        result.errors.append(RecordedError(exception_class_path=f"{exceptions.__name__}.{name}", traceback=job.error))
