"""Whoever can write to Redis can enqueue known tasks, never import or run anything else."""

import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.utils import timezone
from redis import Redis

from queues import get_queue
from queues.tasks.interface import TaskResultDoesNotExist, TaskResultStatus
from queues.testing import run_jobs
from tests.queues.tasks.interface import task_backends
from tests.testapp import tasks
from tests.testapp.jobs import QUEUE


def plant(connection: Redis, name: str, **changes: Any) -> None:
    call = {"backend": "default", "enqueued_at": timezone.now().isoformat(), "args": [], "kwargs": {}, **changes}
    data = orjson.dumps(["queues.jobs.run.run", None, [name], call])
    connection.hset("rq:job:planted", mapping={"data": data, "name": name, "status": "queued", "origin": QUEUE})
    connection.rpush(f"rq:queue:{QUEUE}", "planted")


def failed_error() -> str:
    run_jobs(QUEUE)
    (job,) = get_queue(QUEUE).jobs("failed")
    return job.error


@pytest.mark.parametrize("name", ["tests.testapp.tasks.no_task", "tests.testapp.tasks.time.sleep", "os.system", "builtins.eval"])
def test_what_is_no_task_is_refused(connection: Redis, tmp_path: Path, name: str) -> None:
    target = tmp_path / "created"
    plant(connection, name, args=[str(target)])
    assert f"Unknown job '{name}'" in failed_error()
    assert not target.exists()


def test_a_module_that_a_job_names_is_not_imported(connection: Redis) -> None:
    assert "tests.queues.misconfigured" not in sys.modules
    plant(connection, "tests.queues.misconfigured.anything")
    assert "Unknown job" in failed_error()
    assert "tests.queues.misconfigured" not in sys.modules
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result("planted")


def test_the_plain_way_of_rq_does_not_reach_a_task_around_its_payload(connection: Redis) -> None:
    data = orjson.dumps(["tests.testapp.tasks.note", None, [1], {}])
    connection.hset("rq:job:planted", mapping={"data": data, "status": "queued", "origin": QUEUE})
    connection.rpush(f"rq:queue:{QUEUE}", "planted")
    assert failed_error().startswith("InvalidPayload")


@pytest.mark.parametrize(
    "changes",
    [{"args": None}, {"kwargs": [1]}, {"enqueued_at": "yesterday"}, {"run_after": "2030-01-01T00:00:00"}, {"backend": 1}, {"module": "os"}],
)
def test_a_payload_that_is_no_call_fails_and_has_no_result(connection: Redis, sent: list[Any], changes: dict[str, Any]) -> None:
    plant(connection, "tests.testapp.tasks.note", **changes)
    assert failed_error().startswith("InvalidPayload")
    assert sent == []
    with pytest.raises(TaskResultDoesNotExist):
        task_backends["default"].get_result("planted")


def test_a_backend_that_settings_lack_fails_the_task(connection: Redis) -> None:
    plant(connection, "tests.testapp.tasks.note", backend="nope")
    assert "The connection 'nope' doesn't exist" in failed_error()


def test_an_exception_class_that_a_result_names_is_not_imported(connection: Redis) -> None:
    result = tasks.fail.enqueue()
    run_jobs(QUEUE)
    for path in ("tests.queues.misconfigured.Oops", "os.system", "queues.jobs.registry.registry", "nothing"):
        connection.delete(f"rq:results:{result.id}")
        connection.xadd(f"rq:results:{result.id}", {"type": 2, "exc_class": path, "exc_string": "rubbish"})
        result.refresh()
        assert result.status == TaskResultStatus.FAILED
        with pytest.raises(ValueError, match="no exception class that this process has imported"):
            _ = result.errors[0].exception_class
    assert "tests.queues.misconfigured" not in sys.modules


@pytest.mark.parametrize(
    "entry",
    [
        {"x": "y"},
        {"type": 1, "return_value": "\xff"},
        {"type": 1, "return_value": "bm8="},
        {"type": 2, "exc_string": "eJw="},
        {"type": "", "execution_started_at": "nan"},
        {"type": 1, "execution_started_at": "1e400", "worker_name": b"\xff"},
    ],
)
def test_rubbish_among_the_runs_is_shown_as_empty(connection: Redis, entry: dict[str, Any]) -> None:
    result = tasks.add.enqueue(1)
    run_jobs(QUEUE)
    connection.delete(f"rq:results:{result.id}")
    connection.xadd(f"rq:results:{result.id}", entry)
    result.refresh()
    assert result.status == TaskResultStatus.SUCCESSFUL
    assert result.return_value is None
