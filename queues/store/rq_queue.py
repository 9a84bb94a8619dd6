"""RQ's Queue as `RQ["QUEUE_CLASS"]`: django-rq's plain `enqueue` keeps working, within what our worker honours."""

from __future__ import annotations

from typing import Any

from django_rq.queues import DjangoRQ
from redis.client import Pipeline

from queues.conf import settings
from queues.exceptions import UnsupportedByQueues
from queues.store import keys
from queues.store.connection import fail_fast

UNSUPPORTED = ("depends_on", "retry", "repeat", "on_success", "on_failure", "on_stopped", "webhooks", "rate_limit")


class RQQueue(DjangoRQ):
    """A DjangoRQ queue that rings our workers' bell. Raises UnsupportedByQueues for what they would ignore."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        fail_fast(self.connection, answer_seconds=settings.answer_seconds)

    def push_job_id(self, job_id: str, pipeline: Pipeline | None = None, at_front: bool = False) -> None:
        super().push_job_id(job_id, pipeline=pipeline, at_front=at_front)
        keys.ring(self.connection if pipeline is None else pipeline, self.name)

    def create_job(self, *args: Any, **kwargs: Any) -> Any:
        if refused := [option for option in UNSUPPORTED if kwargs.get(option)]:
            raise UnsupportedByQueues(f"{', '.join(refused)}: the worker of this queue does not honour it. See @job's options.")
        return super().create_job(*args, **kwargs)
