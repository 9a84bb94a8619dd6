"""The index of jobs by name, owner and error class is mended where the scripts had no part in what came or went."""

from __future__ import annotations

import django_rq
import pytest
import redis

from queues import State, add_jobs, get_queue
from queues.operations import cleanup
from queues.store import index
from queues.store.finding.filters import Filter
from queues.store.finding.matching import matching_ids
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE, greet


def entries(connection: redis.Redis) -> dict[bytes, dict[bytes, float]]:
    return {key: dict(connection.zrange(key, 0, -1, withscores=True)) for key in connection.keys("rq:ext:*:by:*")}


@pytest.fixture
def filled(connection: redis.Redis) -> dict[bytes, dict[bytes, float]]:
    """Jobs in four states, and their index."""
    add_jobs(QUEUE, [("fail", {"name": f"n{number}"}) for number in range(3)], attempts=1)
    add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("mail", {"user_id": 7, "subject": "x"})])
    run_jobs(QUEUE)
    add_jobs(QUEUE, [("mail", {"user_id": number, "subject": "x"}) for number in range(3)])
    add_jobs(QUEUE, [("greet", {"name": "Bob"})], delay=60)
    return entries(connection)


def test_what_is_older_than_the_index_is_found_by_it_again(connection: redis.Redis, filled: dict[bytes, dict[bytes, float]]) -> None:
    connection.delete(*filled)
    assert index.fill(connection, QUEUE) == 9
    mended = entries(connection)
    assert {key: set(ids) for key, ids in mended.items()} == {key: set(ids) for key, ids in filled.items()}
    for key, ids in mended.items():
        assert ids == pytest.approx(filled[key], abs=1), key
    assert index.fill(connection, QUEUE) == 0
    assert set(matching_ids(get_queue(QUEUE), State.FAILED, Filter(error_class="ValueError", name="fail"))) == set(
        get_queue(QUEUE).job_ids(State.FAILED)
    )


def test_a_death_that_plain_rq_wrote_has_its_own_time(connection: redis.Redis) -> None:
    facts = {"status": "failed", "origin": QUEUE, "name": "fail", "error_class": "KeyError", "ended_at": "2024-02-29T12:30:15.500000Z"}
    connection.hset("rq:job:old", mapping={**facts, "created_at": "1999-12-31T23:59:59.000000Z"})
    connection.zadd(f"rq:failed:{QUEUE}", {"old": 1})
    index.fill(connection, QUEUE)
    assert connection.zscore(f"rq:ext:{QUEUE}:by:error:KeyError", "old") == 1709209815.5
    assert connection.zscore(f"rq:ext:{QUEUE}:by:name:fail", "old") == 946684799


def test_an_index_that_is_right_stays_as_it_is(connection: redis.Redis, filled: dict[bytes, dict[bytes, float]]) -> None:
    assert (index.fill(connection, QUEUE), index.prune(connection)) == (0, 0)
    assert entries(connection) == filled


def test_entries_of_jobs_that_plain_rq_deleted_or_queued_again_are_dropped(connection: redis.Redis, filled: dict[bytes, object]) -> None:
    gone, again, changed = get_queue(QUEUE).job_ids(State.FAILED)
    rq = django_rq.get_queue(QUEUE)
    rq.fetch_job(gone).delete()
    rq.failed_job_registry.requeue(again)
    connection.hset(f"rq:job:{changed}", mapping={"owner": "8", "error_class": "KeyError"})
    assert index.prune(connection) == 4
    index.fill(connection, QUEUE)
    found = entries(connection)
    assert f"rq:ext:{QUEUE}:by:error:ValueError".encode() not in found
    assert set(found[f"rq:ext:{QUEUE}:by:error:KeyError".encode()]) == {changed.encode()}
    assert set(found[f"rq:ext:{QUEUE}:by:name:fail".encode()]) == {again.encode(), changed.encode()}


def test_long_keys_and_many_short_ones_are_pruned(connection: redis.Redis) -> None:
    with connection.pipeline() as pipeline:
        pipeline.zadd(f"rq:ext:{QUEUE}:by:name:greet", {f"gone-{number}": number for number in range(2500)})
        for owner in range(250):
            pipeline.zadd(f"rq:ext:{QUEUE}:by:owner:{owner}", {"gone": 1})
        pipeline.execute()
    job = greet.enqueue(name="Ann")
    assert index.prune(connection) == 2750
    assert list(entries(connection)) == [f"rq:ext:{QUEUE}:by:name:greet".encode()]
    assert connection.zscore(f"rq:ext:{QUEUE}:by:name:greet", job.id)


def test_of_very_many_a_part_is_looked_at_and_later_the_rest(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "PART", 10)
    monkeypatch.setattr(index, "MOST", 30)
    add_jobs(QUEUE, [("greet", {"name": "Ann"})] * 100)
    connection.delete(f"rq:ext:{QUEUE}:by:name:greet")
    assert index.fill(connection, QUEUE) == 30
    while connection.zcard(f"rq:ext:{QUEUE}:by:name:greet") < 100:
        index.fill(connection, QUEUE)


def test_strangers_keys_stop_nothing(connection: redis.Redis, filled: dict[bytes, object]) -> None:
    connection.set(f"rq:ext:{QUEUE}:by:name:other", "rubbish")
    connection.delete(f"rq:ext:{QUEUE}:by:name:fail")
    connection.set(f"rq:ext:{QUEUE}:by:name:fail", "rubbish")
    connection.zadd(f"rq:failed:{QUEUE}", {"no such job": 1, "not:a:job": 2})
    assert (index.fill(connection, QUEUE), index.prune(connection)) == (0, 0)


def test_the_hourly_clean_up_mends_it(connection: redis.Redis, filled: dict[bytes, dict[bytes, float]]) -> None:
    connection.delete(*filled)
    connection.zadd(f"rq:ext:{QUEUE}:by:name:gone", {"gone": 1})
    cleanup.clean_queues()
    assert set(entries(connection)) == set(filled)
