"""Whoever can write to Redis can enqueue known work, never run code."""

import pickle
import zlib
from pathlib import Path

import orjson
import pytest
from redis import Redis

from queues import get_queue
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE


class Bomb:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> object:
        return (Path.write_text, (self.path, "the pickle was loaded"))


def plant(connection: Redis, data: bytes, **fields: str) -> None:
    connection.hset("rq:job:planted", mapping={"data": data, "status": "queued", "origin": QUEUE, **fields})
    connection.rpush(f"rq:queue:{QUEUE}", "planted")


def failed_error() -> str:
    run_jobs(QUEUE)
    (job,) = get_queue(QUEUE).jobs("failed")
    return job.error


@pytest.mark.parametrize("compress", [zlib.compress, bytes])
@pytest.mark.parametrize("name", ["", "greet"])
def test_a_planted_pickle_is_refused_and_never_loaded(connection: Redis, tmp_path: Path, compress: object, name: str) -> None:
    target = tmp_path / "created"
    assert callable(compress)
    plant(connection, compress(pickle.dumps(Bomb(target))), **({"name": name} if name else {}))
    assert "not JSON" in failed_error()
    assert not target.exists()


def test_an_unregistered_function_is_refused_and_never_imported(connection: Redis, tmp_path: Path) -> None:
    target = tmp_path / "created"
    plant(connection, orjson.dumps(["tests.testapp.jobs.unregistered", None, [str(target)], {}]))
    assert "neither a registered job" in failed_error()
    assert not target.exists()


def test_an_unknown_name_fails_with_the_known_ones(connection: Redis) -> None:
    plant(connection, orjson.dumps(["queues.jobs.run.run", None, ["drop-tables"], {}]), name="drop-tables")
    assert "Unknown job 'drop-tables'" in failed_error()


@pytest.mark.parametrize("data", [b"", b"{}", b"[1,2]", b"\xff\xfe", orjson.dumps(["f", "instance", [], {}])])
def test_garbage_is_refused(connection: Redis, data: bytes) -> None:
    plant(connection, data)
    assert failed_error().startswith("Refused")


def test_an_invalid_payload_in_redis_fails_at_once_with_the_field(connection: Redis) -> None:
    plant(connection, orjson.dumps(["queues.jobs.run.run", None, ["greet"], {"nam": 1}]), name="greet", attempts="3")
    assert "InvalidPayload" in failed_error()


def test_a_list_entry_without_a_job_is_dropped(connection: Redis) -> None:
    connection.rpush(f"rq:queue:{QUEUE}", "gone")
    assert run_jobs(QUEUE) == 0
    assert connection.llen(f"rq:queue:{QUEUE}") == 0
