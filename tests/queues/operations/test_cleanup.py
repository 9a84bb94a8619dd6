"""The hourly clean-up that ships with the app."""

import logging
from collections.abc import Iterator

import pytest
from django.test import override_settings
from redis import Redis

from queues import RedisUnavailable, get_queue_stats, get_schedule
from queues.jobs.registry import registry
from queues.operations import cleanup
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE, give_up, greet

HOUR = 3600


@pytest.fixture
def ended(connection: Redis) -> None:
    """A completed and a failed job of 25 hours ago, and one of each of 23 hours ago."""
    for hours in (25, 2):
        greet.enqueue(name="Ann")
        give_up.enqueue(name="Bob")
        run_jobs(QUEUE)
        for key in (f"rq:finished:{QUEUE}", f"rq:failed:{QUEUE}"):
            for member in connection.zrange(key, 0, -1):
                connection.zincrby(key, -(hours - 1) * HOUR, member)
    for key in (f"rq:finished:{QUEUE}", f"rq:failed:{QUEUE}"):
        assert connection.zcard(key) == 2


def counts() -> tuple[int, int]:
    stats = get_queue_stats(QUEUE)
    return stats.completed, stats.failed


def test_it_is_scheduled_hourly_on_the_first_queue() -> None:
    info = get_schedule("clean-queues")
    assert (info.queue, info.words) == ("embeddings", "cron 0 * * * * (UTC)")


def test_completed_jobs_older_than_a_day_go_and_dead_letters_stay(ended: None) -> None:
    get_schedule("clean-queues").run_now()
    run_jobs("embeddings")
    assert counts() == (1, 2)


def test_dead_letters_go_only_if_asked_and_loudly(ended: None, settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.QUEUES_CLEAN_STATES = ["completed", "failed"]
    with caplog.at_level(logging.WARNING, "queues"):
        assert cleanup.clean_queues() == 2
        assert cleanup.clean_queues() == 0
    assert counts() == (1, 1)
    assert [record.message for record in caplog.records] == [
        f"DELETED 1 DEAD LETTERS of {QUEUE}, older than 24 hours: QUEUES_CLEAN_STATES says so"
    ]


def test_the_age_is_a_setting(ended: None, settings) -> None:
    settings.QUEUES_CLEAN_AFTER_SECONDS = 2
    cleanup.clean_queues()
    assert counts() == (0, 2)


def test_a_queue_whose_redis_is_away_keeps_no_other_from_being_cleaned(ended: None, settings) -> None:
    settings.RQ_QUEUES = {"mail": {"URL": "redis://127.0.0.1:1/0"}, **settings.RQ_QUEUES}
    with pytest.raises(RedisUnavailable, match="Not cleaned: mail: "):
        cleanup.clean_queues()
    assert counts() == (1, 2)


@pytest.fixture
def unregistered() -> Iterator[None]:
    """The clean-up as if Django had not started yet."""
    registry.unregister(cleanup.CLEAN_QUEUES)
    yield
    if registry.find(cleanup.CLEAN_QUEUES):
        registry.unregister(cleanup.CLEAN_QUEUES)
    cleanup.register()


@pytest.mark.usefixtures("unregistered")
@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, "embeddings"),
        ({"QUEUES_CLEAN_QUEUE": QUEUE}, QUEUE),
        ({"QUEUES_CLEAN_QUEUE": None}, None),
        ({"RQ_QUEUES": {}}, None),
    ],
)
def test_it_runs_where_the_setting_says(changed: dict[str, object], expected: str | None) -> None:
    with override_settings(**changed):
        cleanup.register()
    found = registry.find(cleanup.CLEAN_QUEUES)
    assert (found.queue if found else None) == expected


def test_ids_of_jobs_that_are_gone_leave_the_indexes_and_those_of_others_stay(connection: Redis) -> None:
    kept, gone = greet.enqueue(name="Ann"), greet.enqueue(name="Bob")
    connection.delete(f"rq:job:{gone.id}")  # as RQ's own tools do
    others = {f"job-{number}": number for number in range(1200)}
    connection.zadd(f"rq:ext:{QUEUE}:by:error:ValueError", others)
    connection.set(f"rq:ext:{QUEUE}:by:name:rubbish", "a stranger's")
    cleanup.clean_queues()
    assert connection.zrange(f"rq:ext:{QUEUE}:by:name:greet", 0, -1) == [kept.id.encode()]
    assert not connection.exists(f"rq:ext:{QUEUE}:by:error:ValueError")
