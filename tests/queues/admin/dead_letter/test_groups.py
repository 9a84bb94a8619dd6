"""Dead letters grouped by error class and job name, over all queues."""

from __future__ import annotations

import time

import pytest
import redis

from queues import add_jobs, get_queue, get_queue_stats
from queues.operations import dead_letters
from queues.operations.dead_letters import get_dead_letters
from queues.testing import run_jobs
from tests.queues.admin.dead_letter.conftest import found, plant
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db


def test_failed_jobs_are_grouped_by_error_class_and_job_name(dead: None) -> None:
    groups = found()
    assert set(groups) == {("ValueError", "fail"), ("NonRetryable", "give-up")}
    group = groups["ValueError", "fail"]
    assert (group.kept, group.last_hour, group.last_day, group.last_week, group.queues) == (3, 3, 3, 3, (QUEUE,))
    assert group.first_at and group.last_at and group.first_at <= group.last_at
    assert not group.has_more


def test_a_group_spans_queues(dead: None, connection: redis.Redis) -> None:
    plant(connection, 2, "email-sync")
    group = found()["ValueError", "fail"]
    assert (group.kept, group.last_day, set(group.queues)) == (5, 3, {QUEUE, "email-sync"})
    assert group.first_at and group.first_at.year == 1970
    (only,) = get_dead_letters(["email-sync"]).groups
    assert (only.kept, only.queues) == (2, ("email-sync",))


def test_each_window_counts_its_hours(connection: redis.Redis, dead: None) -> None:
    hour = int(time.time() // 3600)
    for ago in (1, 2, 24, 25, 168, 169):
        connection.hset(f"rq:ext:{QUEUE}:hour:{hour - ago}", "error:ValueError:fail", 10**ago if ago < 3 else ago * 1000)
    group = found()["ValueError", "fail"]
    assert (group.last_hour, group.last_day, group.last_week) == (13, 113 + 24_000, 113 + 24_000 + 25_000 + 168_000)


def test_a_group_of_which_nothing_is_kept_shows_until_its_counts_are_a_week_old(connection: redis.Redis, dead: None) -> None:
    get_queue(QUEUE).remove_failed()
    group = found()["ValueError", "fail"]
    assert (group.kept, group.last_day) == (0, 3)
    connection.delete(*connection.keys(f"rq:ext:{QUEUE}:hour:*"))
    assert found() == {}


def test_what_died_before_anything_was_counted_is_there_too(connection: redis.Redis, dead: None) -> None:
    connection.delete(*connection.keys(f"rq:ext:{QUEUE}:hour:*"), *connection.keys(f"rq:ext:{QUEUE}:by:*"), f"rq:ext:{QUEUE}:errors")
    group = found()["ValueError", "fail"]
    assert (group.kept, group.last_week) == (3, 0)
    assert group.first_at and group.last_at


def test_of_very_many_the_newest_are_looked_at_and_the_index_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch, committed: Committed, dead: None
) -> None:
    with committed(execute=True):
        add_jobs(QUEUE, [("picky", {"error": "value"})] * 2, attempts=1)
    run_jobs(QUEUE)
    monkeypatch.setattr(dead_letters, "LOOK", 0)
    monkeypatch.setattr(dead_letters, "LEAST_LOOK", 2)
    letters = get_dead_letters()
    groups = {(group.error_class, group.name): group for group in letters.groups}
    assert letters.looked == {QUEUE: (2, get_queue_stats(QUEUE).failed)}
    assert (groups["NonRetryable", "give-up"].kept, groups["NonRetryable", "give-up"].has_more) == (1, False)
    # two names died of it, so that the index cannot tell: at least
    assert (groups["ValueError", "picky"].kept, groups["ValueError", "picky"].has_more) == (2, True)
    assert (groups["ValueError", "fail"].kept, groups["ValueError", "fail"].has_more) == (0, True)


def test_one_round_trip_a_server_whatever_the_number_of_jobs(connection: redis.Redis, dead: None) -> None:
    def calls() -> int:
        return int(connection.info("commandstats")["cmdstat_evalsha"]["calls"])

    get_dead_letters()
    before = calls()
    get_dead_letters()
    plant(connection, 2000)
    get_dead_letters()
    assert calls() == before + 2


@pytest.mark.parametrize("part", ["errors", "by:error:ValueError"])
def test_a_stranger_in_the_place_of_a_key_breaks_nothing(connection: redis.Redis, dead: None, part: str) -> None:
    hour = int(time.time() // 3600)
    connection.delete(f"rq:ext:{QUEUE}:{part}", f"rq:ext:{QUEUE}:hour:{hour}")
    connection.set(f"rq:ext:{QUEUE}:{part}", "rubbish")
    connection.set(f"rq:ext:{QUEUE}:hour:{hour}", "rubbish")
    assert found()["ValueError", "fail"].kept == 3
