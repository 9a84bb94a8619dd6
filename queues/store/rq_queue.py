"""RQ's Queue as `RQ["QUEUE_CLASS"]`: django-rq's plain `enqueue` keeps working, within what our worker honours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django_rq.queues import DjangoRQ
from redis.client import Pipeline
from rq.job import Job

from queues.conf import settings
from queues.exceptions import InvalidPayload, UnsupportedByQueues
from queues.jobs.registry import Definition, registry
from queues.store import keys, payloads
from queues.store.connection import fail_fast

UNSUPPORTED: dict[str, Callable[[Job], object]] = {
    "depends_on": lambda job: job._dependency_ids,
    "retry": lambda job: job.retries_left,
    "repeat": lambda job: job.repeats_left,
    "on_success": lambda job: job._success_callback_name,
    "on_failure": lambda job: job._failure_callback_name,
    "on_stopped": lambda job: job._stopped_callback_name,
    "webhooks": lambda job: job.webhooks,
    "rate_limit": lambda job: job.rate_limit_key,
}

NOT_OF_THE_JOB = ("at_front", "pipeline", "unique")
"""Options of enqueue_call that create_job does not know."""


class RQQueue(DjangoRQ):
    """A DjangoRQ queue that rings our workers' bell. Raises UnsupportedByQueues for what they would ignore."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        fail_fast(self.connection, answer_seconds=settings.answer_seconds)

    def push_job_id(self, job_id: str, pipeline: Pipeline | None = None, at_front: bool = False) -> None:
        super().push_job_id(job_id, pipeline=pipeline, at_front=at_front)
        self._ring(pipeline)

    def enqueue_call(self, func: Any, args: Any = None, kwargs: Any = None, *rest: Any, **options: Any) -> Any:
        """As DjangoRQ's: inside a transaction the job leaves on its commit, and None is returned. What is wrong is said before that."""
        if self._commit_mode != "auto" and connection.in_atomic_block:
            self.create_job(func, args, kwargs, *rest, **{name: value for name, value in options.items() if name not in NOT_OF_THE_JOB})
        return super().enqueue_call(func, args, kwargs, *rest, **options)  # type: ignore[no-untyped-call]

    def create_job(self, func: Any, args: Any = None, kwargs: Any = None, timeout: Any = None, *rest: Any, **options: Any) -> Job:
        """A registered function (or its dotted path) becomes its job: checked here, with its own timeout where none is given.

        Raises InvalidPayload, UnsupportedByQueues.
        """
        definition = _find(func)
        if definition is not None:
            payload = _payload(definition, args or (), kwargs or {})
            func, args, kwargs, timeout = payloads.RUN, [definition.name], payload, timeout or definition.timeout_seconds
            if len(rest) < 4:  # the description is RQ's eighth parameter
                options["description"] = options.get("description") or definition.name
        job: Job = super().create_job(func, args, kwargs, timeout, *rest, **options)
        payloads.check_size(str(job.func_name), len(job.data))
        return _supported(job)

    def enqueue_job(self, job: Job, pipeline: Pipeline | None = None, at_front: bool = False, unique: bool = False) -> Job:
        enqueued = super().enqueue_job(_supported(job), pipeline=pipeline, at_front=at_front, unique=unique)
        if unique:  # RQ's script for it pushes by itself
            self._ring(None)
        return enqueued

    def schedule_job(self, job: Job, datetime: datetime, pipeline: Pipeline | None = None, unique: bool = False) -> Job:
        """RQ cuts the time to whole seconds; here it is rounded up, so that no job runs early."""
        due = datetime + timedelta(microseconds=-datetime.microsecond % 1_000_000)
        scheduled = super().schedule_job(_supported(job), due, pipeline=pipeline, unique=unique)
        self._ring(pipeline)
        return scheduled

    def _ring(self, pipeline: Pipeline | None) -> None:
        keys.ring(self.connection if pipeline is None else pipeline, self.name)


def _supported(job: Job) -> Job:
    if refused := [option for option, value in UNSUPPORTED.items() if value(job)]:
        raise UnsupportedByQueues(f"{', '.join(refused)}: the worker of this queue does not honour it. See @job's options.")
    return job


def _find(func: Any) -> Definition | None:
    if isinstance(definition := getattr(func, "definition", None), Definition):
        return definition
    path = func if isinstance(func, str) else f"{getattr(func, '__module__', '')}.{getattr(func, '__qualname__', '')}"
    return registry.find_by_path(path)


def _payload(definition: Definition, args: Any, kwargs: Any) -> dict[str, Any]:
    try:
        payload = definition.payload_of(args, kwargs)
    except TypeError as error:
        raise InvalidPayload(f"Payload of {definition.name!r}: {error}.") from error
    plain = definition.plain(payload)
    payloads.encode(definition.name, plain)  # RQ writes it itself: this is the check
    return plain
