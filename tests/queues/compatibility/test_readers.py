"""RQ's and django-rq's readers find every state, and leave every key as it was."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import rq
from django.conf import settings
from redis import Redis
from rq import registry, worker_registration
from rq.executions import Execution
from rq.job import Job, JobStatus
from rq.worker import Worker

from queues import get_queue_stats
from queues.store.connection import new_connection
from tests.queues.compatibility.states import Filled, snapshot
from tests.testapp.jobs import QUEUE

REGISTRIES = [
    registry.StartedJobRegistry,
    registry.FinishedJobRegistry,
    registry.FailedJobRegistry,
    registry.ScheduledJobRegistry,
    registry.DeferredJobRegistry,
    registry.ReadyJobRegistry,
    registry.CanceledJobRegistry,
]
STATUS = {
    "waiting": JobStatus.QUEUED,
    "urgent": JobStatus.QUEUED,
    "owned": JobStatus.QUEUED,
    "deduplicated": JobStatus.QUEUED,
    "plain django-rq": JobStatus.QUEUED,
    "plain rq": JobStatus.QUEUED,
    "delayed": JobStatus.SCHEDULED,
    "put back": JobStatus.SCHEDULED,
    "active short": JobStatus.STARTED,
    "active long": JobStatus.STARTED,
    "with result": JobStatus.FINISHED,
    "without result": JobStatus.FINISHED,
    "told": JobStatus.FINISHED,
    "batch item one": JobStatus.FINISHED,
    "batch item two": JobStatus.FINISHED,
    "failed": JobStatus.FAILED,
    "failed after attempts": JobStatus.FAILED,
    "stalled": JobStatus.FAILED,
    "cancelled": JobStatus.FAILED,
}


def plain_queue(connection: Redis) -> rq.Queue:
    return rq.Queue(QUEUE, connection=connection, serializer="json")


def read_jobs(connection: Redis) -> None:
    for key in list(connection.scan_iter("rq:job:*")):
        job = Job.fetch(key.decode().removeprefix("rq:job:"), connection=connection, serializer="json")
        job.refresh()
        job.get_status(), job.get_meta(), job.get_position(), job.get_executions(), job.results(), job.latest_result(), job.return_value()
        assert job.func_name and isinstance(job.args, list) and isinstance(job.kwargs, dict) and job.get_call_string()
        assert (job.created_at, job.enqueued_at) != (None, None)
        assert all(result.type and result.created_at for result in job.results())


def read_registries(connection: Redis) -> None:
    queue = plain_queue(connection)
    for kind in REGISTRIES:
        found = kind(queue=queue)
        assert found.count == len(found) == found.get_job_count() == len(found.get_job_ids())
        if kind is not registry.CanceledJobRegistry:  # its jobs never expire
            assert found.get_expired_job_ids() == [], kind
        found.cleanup()
    registry.clean_registries(queue)


def read_queues(connection: Redis) -> None:
    (queue,) = rq.Queue.all(connection, serializer="json")
    assert (queue.name, queue.count, len(queue.jobs)) == (QUEUE, 4, 4)  # those with a priority or an owner wait elsewhere
    assert len(queue) == len(queue.get_job_ids()) and not queue.is_empty()
    assert queue.intermediate_queue.get_job_ids() == []


def read_workers(connection: Redis) -> None:
    queue = plain_queue(connection)
    (worker,) = Worker.all(connection, serializer="json")
    assert Worker.count(connection) == Worker.count(queue=queue) == len(Worker.all(queue=queue, serializer="json")) == 1
    assert Worker.find_by_key("rq:worker:holder", connection).queue_names() == [QUEUE]
    assert worker.get_state() in ("idle", "busy", "started")
    assert worker.current_execution_count == len(worker.get_current_executions()) == 1
    assert worker.get_current_job().func_name == "queues.jobs.run.run"
    worker_registration.clean_worker_registry(queue)


def read_executions(connection: Redis) -> None:
    ((job_id, execution_id),) = registry.StartedJobRegistry(queue=plain_queue(connection)).get_job_and_execution_ids()
    execution = Execution.fetch(execution_id, job_id, connection)
    assert execution.worker_name == "holder" and execution.created_at < execution.last_heartbeat


@pytest.mark.parametrize("read", [read_jobs, read_registries, read_queues, read_workers, read_executions])
def test_rqs_classes_read_every_state_and_change_nothing(connection: Redis, filled: Filled, read: Callable[[Redis], None]) -> None:
    before, stats = snapshot(connection), get_queue_stats(QUEUE)
    for _ in range(2):
        with closing(new_connection(QUEUE)) as own:  # RQ changes the timeouts of a client that it is given
            read(own)
    assert snapshot(connection) == before
    assert get_queue_stats(QUEUE) == stats


def test_rq_finds_each_job_in_its_own_words(connection: Redis, filled: Filled) -> None:
    found = {what: Job.fetch(job_id, connection=connection, serializer="json") for what, job_id in filled.ids.items()}
    assert {what: job.get_status() for what, job in found.items()} == STATUS
    assert found["with result"].return_value() == "hello with result"
    assert "it will never work" in found["failed"].latest_result().exc_string
    assert "ValueError" in found["put back"].latest_result().exc_string
    assert found["plain django-rq"].meta == {"from": "django-rq"}


@pytest.mark.parametrize("options", [["--raw"], ["--by-queue"], ["--only-queues"], ["--only-workers"], ["--raw", QUEUE]])
def test_rq_info_reads_and_changes_nothing(connection: Redis, filled: Filled, options: list[str]) -> None:
    before = snapshot(connection)
    command = [str(Path(sys.executable).parent / "rq"), "info", "-u", settings.RQ_QUEUES[QUEUE]["URL"], "-S", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"}, check=False)
    assert done.returncode == 0, done.stderr
    if "--raw" in options:
        assert f"queue {QUEUE} 4, 1 executing, 5 finished, 5 failed" in done.stdout
    assert snapshot(connection) == before
