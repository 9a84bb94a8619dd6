"""QueuesBackend: Django's tasks as jobs of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from queues.durations import check_delay
from queues.exceptions import InvalidPayload
from queues.jobs.job import Job
from queues.jobs.options import JOB_ID
from queues.jobs.states import State
from queues.publish import deliver
from queues.store.connection import translated
from queues.store.history import Attempt, read_with_job
from queues.store.new_jobs import NewJob, new_id
from queues.store.queue import get_queue, queue_names
from queues.store.servers import servers
from queues.tasks import definition
from queues.tasks.call import TaskCall, as_json
from queues.tasks.interface import BaseTaskBackend, Task, TaskResult, TaskResultDoesNotExist, task_enqueued
from queues.tasks.result import build

P = ParamSpec("P")
T = TypeVar("T")


class QueuesBackend(BaseTaskBackend):
    """Runs tasks on our workers (`manage.py rqworker`), each in the queue of RQ_QUEUES that it names.

    `QUEUES` are the queues it may use (all of RQ_QUEUES where it is an empty list). `OPTIONS` are `attempts`, how often
    a task that fails runs in all (default 1, as Django's interface retries nothing; the waits are 1 s, 2 s, 4 s, ...),
    and `timeout`, the seconds that one run may take (default 180). Delivery is at least once all the same: a task whose
    worker is killed starts again. Raises ImproperlyConfigured for any other option or value.

    A result is readable for as long as its job is kept: KEEP_COMPLETED and KEEP_FAILED of its queue.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.queues = self.queues or set(queue_names())
        options = {"attempts": definition.DEFAULT_ATTEMPTS, "timeout": definition.DEFAULT_TIMEOUT_SECONDS, **self.options}
        for name, value in options.items():
            if name not in ("attempts", "timeout") or type(value) is not int or value < 1:
                raise ImproperlyConfigured(
                    f"TASKS[{alias!r}]['OPTIONS'] has {name!r}: {value!r}. Known are 'attempts' and 'timeout', whole numbers of at least 1."
                )
        self.attempts, self.timeout_seconds = options["attempts"], options["timeout"]

    def validate_task(self, task: Task[..., Any]) -> None:
        """Django calls this for each decorated function: from then on this process's worker knows the task."""
        super().validate_task(task)
        definition.register(task)

    def enqueue(self, task: Task[P, T], args: Sequence[Any], kwargs: Mapping[str, Any]) -> TaskResult[P, T]:
        """Queues the task; inside a transaction of the default database on its commit, and `task_enqueued` is sent then.

        Raises InvalidTask, TypeError (arguments that are not JSON), ValueError (`run_after` more than a year ahead),
        UnknownQueue; outside of a transaction also RedisUnavailable.
        """
        self.validate_task(task)
        get_queue(task.queue_name)
        run_after = timezone.make_aware(task.run_after) if task.run_after and timezone.is_naive(task.run_after) else task.run_after
        now = datetime.now(UTC)
        call = TaskCall(backend=self.alias, enqueued_at=now, run_after=run_after, args=as_json(list(args)), kwargs=as_json(dict(kwargs)))
        job = Job(
            id=new_id(),
            name=task.module_path,
            queue=task.queue_name,
            data=call.model_dump(mode="json"),
            state=State.PROVISIONAL,
            priority=-task.priority,
            attempts=self.attempts,
        )
        delay = check_delay((run_after - now).total_seconds()) if run_after else 0.0
        deliver([NewJob(job=job, timeout_seconds=self.timeout_seconds, delay_seconds=delay)])
        result = build(task, call, job, [])
        connection = transaction.get_connection()
        if connection.in_atomic_block:
            connection.on_commit(lambda: self._announce(result), robust=True)
        else:
            self._announce(result)
        return result

    def get_result(self, result_id: str) -> TaskResult[..., Any]:
        """Raises TaskResultDoesNotExist for what is no task of this backend, or not kept any more; RedisUnavailable."""
        job_id = str(result_id)
        for server in servers(self._known_queues()) if JOB_ID.fullmatch(job_id) else ():
            with translated():
                job, runs = read_with_job(server.connection, job_id)
            if job is not None and (result := self._result(job, runs)) is not None:
                return result
        raise TaskResultDoesNotExist(result_id)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Queues that do not exist; where there are none at all, queues.E004 says so."""
        return [
            *super().check(**kwargs),
            *(
                checks.Error(
                    f"TASKS[{self.alias!r}] may use the queue {queue!r}, which RQ_QUEUES does not have.",
                    hint=f"Add it to RQ_QUEUES, or write another into QUEUES; there are {', '.join(queue_names())}.",
                    id="queues.E008",
                )
                for queue in sorted(self.queues - set(queue_names()))
                if queue_names()
            ),
        ]

    def _announce(self, result: TaskResult[..., Any]) -> None:
        task_enqueued.send_robust(type(self), task_result=result)

    def _known_queues(self) -> list[str]:
        return sorted(self.queues & set(queue_names()))

    def _result(self, job: Job, runs: Sequence[Attempt]) -> TaskResult[..., Any] | None:
        """None for what is no task of this backend."""
        task = definition.find(job.name)
        if task is None or job.queue not in self.queues:
            return None
        try:
            call = TaskCall.model_validate(task.validate(job.data))
        except InvalidPayload:
            return None
        return build(task.task, call, job, runs) if call.backend == self.alias else None
