"""Tasks as registered jobs: the name of a task's job is the task's module path, so that tools show and filter it.

**What a worker runs** is found in the registry of jobs and nowhere else. A task enters it when it is decorated (Django
has its backend validate it then), or when `discover` meets it in the `tasks.py` of an installed app. A name that comes
from Redis is only compared with those: it never imports a module nor reaches a function that is no task.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.dispatch import receiver
from django.utils.module_loading import autodiscover_modules

from queues import signals
from queues.exceptions import InvalidPayload, RedisUnavailable, RetryLater
from queues.jobs.backoff import Exponential
from queues.jobs.job import Job
from queues.jobs.payload import Style
from queues.jobs.registry import Definition, registry
from queues.store.connection import get_connection, translated
from queues.store.history import read_with_job
from queues.tasks.call import TaskCall, as_json
from queues.tasks.interface import Task, TaskContext, TaskResult, task_finished, task_started
from queues.tasks.result import build

DEFAULT_ATTEMPTS = 1
DEFAULT_TIMEOUT_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class TaskDefinition(Definition):
    """A task of any queue that its backend serves, hence `queue` is empty; attempts and timeout are those of each job."""

    task: Task[..., Any]

    def call(self, payload: Any, job: Callable[[], Job] | None = None) -> Any:
        """Runs the task once and returns what it returned, as JSON. Sends `task_started`.

        A return value that is not JSON raises as in `as_json`: it fails the run. Raises RetryLater while Redis is away.
        """
        call = TaskCall.model_validate(self.validate(payload))
        try:
            result = self.result(job() if job else Job(id="", name=self.name, queue=self.task.queue_name, data=payload))
        except RedisUnavailable as error:
            raise RetryLater(1, f"the task's earlier runs could not be read: {error}") from error
        task_started.send_robust(type(result.task.get_backend()), task_result=result)
        context = [TaskContext(task_result=result)] if self.task.takes_context else []
        return as_json(self.task.call(*context, *call.args, **call.kwargs))

    def result(self, job: Job) -> TaskResult[..., Any]:
        """The result as Redis has it; what was deleted there meanwhile is built from the view at hand."""
        with translated():
            stored, runs = read_with_job(get_connection(job.queue), job.id)
        found = stored or job
        return build(self.task, TaskCall.model_validate(self.validate(found.data)), found, runs)


def register(task: Task[..., Any]) -> None:
    """Makes the task known to this process's worker. A copy with other defaults (`using`) is the same task."""
    known = find(task.module_path)
    if known is None or known.function is not task.func:
        definition = TaskDefinition(
            name=task.module_path,
            queue="",
            function=task.func,
            model=TaskCall,
            style=Style.MODEL,
            attempts=DEFAULT_ATTEMPTS,
            backoff=Exponential(),
            timeout_seconds=DEFAULT_TIMEOUT_SECONDS,
            batch=None,
            task=task,
        )
        registry.register(definition)


def find(name: str) -> TaskDefinition | None:
    """The task of this module path, if it is registered."""
    definition = registry.find(name)
    return definition if isinstance(definition, TaskDefinition) else None


def discover() -> None:
    """Imports the `tasks.py` of the installed apps and registers their tasks, also those whose default backend is another."""
    autodiscover_modules("tasks")
    for config in apps.get_app_configs():
        module = sys.modules.get(f"{config.name}.tasks")
        for value in list(vars(module).values()) if module else ():
            if isinstance(value, Task):
                register(value)


@receiver([signals.completed, signals.dead], dispatch_uid="queues.tasks.finished")
def announce_end(job: Job, **kwargs: Any) -> None:
    """Sends `task_finished` once the settlement was accepted: for the good end and for the last failure."""
    definition = find(job.name)
    if definition is not None:
        try:
            result = definition.result(job)
        except InvalidPayload:
            return  # it was no call of a task, and died of that
        task_finished.send_robust(type(result.task.get_backend()), task_result=result)
