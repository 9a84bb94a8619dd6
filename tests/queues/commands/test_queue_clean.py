from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command

from queues import QueueStats, get_queue_stats
from queues.management.arguments import duration
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE, give_up, greet

HOUR = 3600


@pytest.fixture(autouse=True)
def ended(connection: redis.Redis) -> None:
    """Two completed jobs and one failed one, that ended two hours ago, and a completed one of just now."""
    greet.enqueue(name="Ann")
    greet.enqueue(name="Bob")
    give_up.enqueue(name="Cleo")
    run_jobs(QUEUE)
    for registry in ("finished", "failed"):
        for member in connection.zrange(f"rq:{registry}:{QUEUE}", 0, -1):
            connection.zincrby(f"rq:{registry}:{QUEUE}", -2 * HOUR, member)
    greet.enqueue(name="Dan")
    run_jobs(QUEUE)


def queue_clean(*arguments: str, **options: object) -> str:
    out = StringIO()
    call_command("queue_clean", *arguments, stdout=out, **options)
    return out.getvalue()


def test_what_ended_longer_ago_is_deleted(connection: redis.Redis) -> None:
    assert queue_clean(QUEUE, "--older-than", "1h") == f"{QUEUE}: 3 completed and failed jobs deleted\n"
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)
    assert len(connection.keys("rq:job:*")) == 1


def test_nothing_younger_is_deleted() -> None:
    queue_clean(QUEUE, "--older-than", "3h")
    assert get_queue_stats(QUEUE) == QueueStats(completed=3, failed=1)


def test_only_the_named_states_are_deleted() -> None:
    assert queue_clean(QUEUE, "--older-than", "1h", "--state", "failed") == f"{QUEUE}: 1 failed job deleted\n"
    assert get_queue_stats(QUEUE) == QueueStats(completed=3)
    queue_clean(QUEUE, "--older-than", "1h", "--state", "completed", "--state", "failed")
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_a_dry_run_only_counts() -> None:
    assert "3 completed and failed jobs would be deleted" in queue_clean(QUEUE, "--older-than", "1h", "--dry-run")
    assert get_queue_stats(QUEUE) == QueueStats(completed=3, failed=1)


def test_the_limit_bounds_what_is_deleted() -> None:
    assert "1 completed and failed job deleted" in queue_clean(QUEUE, "--older-than", "1h", "--limit", "1")
    assert get_queue_stats(QUEUE) == QueueStats(completed=2, failed=1)


def test_several_queues_are_reported_one_by_one() -> None:
    lines = queue_clean("embeddings", QUEUE, "--older-than", "1h").splitlines()
    assert [line.split(":")[0] for line in lines] == ["embeddings", QUEUE]


def test_an_unknown_queue_deletes_nothing() -> None:
    with pytest.raises(CommandError, match="Unknown queue 'nope'"):
        queue_clean(QUEUE, "nope", "--older-than", "1h")
    assert get_queue_stats(QUEUE) == QueueStats(completed=3, failed=1)


@pytest.mark.parametrize(
    "arguments",
    [
        (QUEUE,),
        ("--older-than", "1h"),
        (QUEUE, "--older-than", "soon"),
        (QUEUE, "--older-than", "-5"),
        (QUEUE, "--older-than", "1h", "--state", "waiting"),
        (QUEUE, "--older-than", "1h", "--limit", "-1"),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        queue_clean(*arguments)


def test_redis_away_is_one_sentence(settings) -> None:
    settings.RQ_QUEUES = {"mail": {"URL": "redis://127.0.0.1:1/0"}}
    with pytest.raises(CommandError, match="Redis did not answer"):
        queue_clean("mail", "--older-than", "1h")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("1.5h", 5400), ("15m", 900), ("24h", 86400), ("7d", 604800), ("2w", 1209600)]
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert duration(text) == seconds
