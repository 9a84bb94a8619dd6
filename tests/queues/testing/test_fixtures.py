from collections.abc import Callable
from typing import Any

import pytest
from django.test import override_settings
from redis import Redis

from queues import Job, QueueStats, get_queue, get_queue_stats
from queues import testing as queues_testing
from queues.exceptions import NotATestRedis
from tests.testapp.jobs import QUEUE, fail, greet


def test_queues_in_memory(connection: Redis, memory_queues: None) -> None:
    greet.enqueue(name="Ann")
    assert (get_queue_stats(QUEUE).waiting, list(connection.scan_iter())) == (1, [])


def test_what_was_enqueued_and_running_it(
    memory_queues: None, enqueued_jobs: Callable[..., list[Job]], run_jobs: Callable[..., int], traces: Any
) -> None:
    greet.enqueue(name="Ann")
    assert [job.data["name"] for job in enqueued_jobs(name="greet")] == ["Ann"]
    assert (run_jobs(), enqueued_jobs()) == (1, [])


def test_eager_jobs(eager_jobs: None) -> None:
    with pytest.raises(ValueError, match="no luck"):
        fail.enqueue(name="Ann")
    greet.enqueue(name="Bob")
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=1)


@pytest.fixture
def leftovers(connection: Redis) -> None:
    """What another test has left behind, and what is none of ours."""
    greet.enqueue(name="Ann")
    greet.using(delay=60, priority=3, dedupe="x").enqueue(name="Bob")
    connection.set("cache:x", "y")


def test_empty_queues_deletes_jobs_and_nothing_else(leftovers: None, empty_queues: None, connection: Redis) -> None:
    assert list(connection.scan_iter()) == [b"cache:x"]


@pytest.mark.parametrize("value", [False, None, "yes"])
def test_a_redis_that_is_not_the_tests_own_is_not_emptied(leftovers: None, value: Any) -> None:
    with override_settings(QUEUES_TEST_REDIS=value), pytest.raises(NotATestRedis, match=r"QUEUES_TEST_REDIS = True .* unix://") as told:
        queues_testing.empty_queues()
    assert "password" not in str(told.value)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, delayed=1)


def test_queues_in_memory_may_always_be_emptied(memory_queues: None) -> None:
    with override_settings(RQ_QUEUES={QUEUE: {"URL": "redis://production/0", "SERIALIZER": "rq.serializers.JSONSerializer"}}):
        greet.enqueue(name="Ann")
        queues_testing.empty_queues()
        assert get_queue(QUEUE).connection.dbsize() == 0
