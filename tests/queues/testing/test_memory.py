import os
import subprocess
import sys
import threading

import pytest
from django.test import override_settings
from django_rq import get_queue as get_rq_queue
from redis import Redis

from queues import QueueStats, get_queue, get_queue_stats
from queues.exceptions import PackageMissing
from queues.testing import memory_queues, run_jobs
from tests.testapp.jobs import QUEUE, greet


def test_the_real_redis_sees_nothing_and_is_there_again_afterwards(connection: Redis) -> None:
    greet.enqueue(name="real")
    with memory_queues():
        assert get_queue_stats(QUEUE) == QueueStats()
        greet.enqueue(name="in memory")
        assert connection.llen(f"rq:queue:{QUEUE}") == 1
        assert run_jobs() == 1
    assert [job.data["name"] for job in get_queue(QUEUE).jobs("waiting")] == ["real"]
    assert get_queue(QUEUE).connection is connection


def test_each_block_starts_empty_and_an_error_ends_it() -> None:
    with pytest.raises(RuntimeError), memory_queues():
        greet.enqueue(name="Ann")
        with memory_queues():
            assert get_queue_stats(QUEUE) == QueueStats()
        assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
        raise RuntimeError
    with memory_queues():
        assert get_queue_stats(QUEUE) == QueueStats()


@memory_queues()
def test_it_is_a_decorator_too() -> None:
    greet.enqueue(name="Ann")
    assert run_jobs() == 1


def test_no_redis_is_needed() -> None:
    away = {QUEUE: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}}
    with override_settings(RQ_QUEUES=away), memory_queues():
        greet.enqueue(name="Ann")
        assert run_jobs() == 1


def test_queues_of_different_servers_are_apart() -> None:
    def server(number: int) -> dict[str, object]:
        return {"HOST": "localhost", "PORT": number, "SERIALIZER": "rq.serializers.JSONSerializer"}

    with override_settings(RQ_QUEUES={QUEUE: server(1), "same": server(1), "other": server(2)}), memory_queues():
        greet.enqueue(name="Ann")
        stored = [bool(get_queue(name).connection.exists(f"rq:queue:{QUEUE}")) for name in (QUEUE, "same", "other")]
    assert stored == [True, True, False]


def test_django_rqs_queue_is_the_same() -> None:
    with memory_queues():
        get_rq_queue(QUEUE).enqueue("tests.testapp.jobs.greet", name="Ann")
        assert run_jobs() == 1
        (done,) = get_queue(QUEUE).jobs("completed")
        assert get_rq_queue(QUEUE).fetch_job(done.id).return_value() == "hello Ann"


def test_threads_share_them() -> None:
    with memory_queues():
        threads = [threading.Thread(target=lambda: [greet.enqueue(name="Ann") for _ in range(20)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert get_queue_stats(QUEUE) == QueueStats(waiting=80)


@pytest.mark.parametrize("package", ["fakeredis", "lupa"])
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(PackageMissing, match=r'pip install "fakeredis\[lua\]"'), memory_queues():
        pass


def test_queues_does_not_need_it() -> None:
    code = (
        "import sys; sys.modules['fakeredis'] = sys.modules['lupa'] = None; import django; django.setup(); "
        "import queues, queues.worker, queues.testing, queues.testing.fixtures"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"})
