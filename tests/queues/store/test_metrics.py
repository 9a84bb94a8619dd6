"""What is counted as runs begin and end."""

from __future__ import annotations

import pytest
from redis import Redis

from queues import add_job, add_jobs, cancel_job
from queues.store import keys, metrics
from queues.store.metrics import Histogram, Tally, bucket_seconds
from queues.testing import run_jobs
from tests.clock import MINUTE, stay_in_one
from tests.testapp.jobs import QUEUE


def test_runs_are_counted_by_minute_by_hour_and_name_and_since_ever(connection: Redis) -> None:
    stay_in_one(MINUTE)
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(30)])
    add_jobs(QUEUE, [("fail", {"name": "Bob"})] * 2, attempts=1)
    add_job(QUEUE, "give-up", {"name": "Eve"})
    run_jobs(QUEUE)
    cancel_job(add_job(QUEUE, "greet", {"name": "Ann"}).id)
    (minute,) = [span for span in metrics.minutes(connection, QUEUE, 2) if span.total.completed]
    assert (minute.total.completed, minute.total.failed, minute.total.run.count, minute.total.wait.count) == (30, 4, 33, 33)
    (hour,) = [span for span in metrics.hours(connection, QUEUE, 2) if span.total.completed]
    assert (hour.total.completed, hour.names["greet"].completed, hour.names["fail"].failed) == (30, 30, 2)
    assert hour.errors == {("ValueError", "fail"): 2, ("NonRetryable", "give-up"): 1, ("JobCancelled", "greet"): 1}
    ever = metrics.by_name(connection.hgetall(keys.counts(QUEUE)))["greet"]
    assert (ever.completed, ever.run.count) == (30, 30)
    assert 0 <= ever.run_seconds < 5
    times = {field.decode(): float(at) for field, at in connection.hgetall(keys.errors(QUEUE)).items()}
    assert set(times) == {f"{which}:{error}:{name}" for error, name in hour.errors for which in ("first", "last")}
    assert 0 < times["first:ValueError:fail"] <= times["last:ValueError:fail"]
    assert all(connection.ttl(key) > 0 for part in ("minute", "hour") for key in connection.keys(f"rq:ext:{QUEUE}:{part}:*"))


def test_quantiles_lie_within_their_bucket() -> None:
    histogram = Histogram(buckets={0: 50, 10: 49, 20: 1})
    assert histogram.quantile(0.25) == pytest.approx(0.0005)
    assert bucket_seconds(9) < histogram.quantile(0.95) <= bucket_seconds(10)
    assert histogram.quantile(1) == bucket_seconds(20)
    assert Histogram().quantile(0.5) is None


def test_tallies_add_up() -> None:
    one = Tally(completed=1, run=Histogram(buckets={3: 1}), run_seconds=0.5)
    assert one + one == Tally(completed=2, run=Histogram(buckets={3: 2}), run_seconds=1.0)


def test_a_stranger_in_the_place_of_a_counter_stops_no_job(connection: Redis) -> None:
    for part in ("counts", "errors", "by:name:greet"):
        connection.set(f"rq:ext:{QUEUE}:{part}", "rubbish")
    add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("give-up", {"name": "Ann"})])
    assert run_jobs(QUEUE) == 2


def test_a_crowd_of_names_is_counted_as_others_and_known_ones_by_name(connection: Redis) -> None:
    key = f"rq:ext:{QUEUE}:counts"
    connection.hset(key, mapping={"completed:give-up": 1, **{f"completed:job-{number}": 1 for number in range(4000)}})
    known = connection.hlen(key)
    add_jobs(QUEUE, [("greet", {"name": "Ann"})] * 3)
    run_jobs(QUEUE)
    assert connection.hget(key, "completed:(others)") == b"3"
    assert not connection.hexists(key, "completed:greet")
    connection.hset(key, "completed:greet", 7)
    add_job(QUEUE, "greet", {"name": "Ann"})
    run_jobs(QUEUE)
    assert connection.hget(key, "completed:greet") == b"8"
    assert connection.hlen(key) < known + 60, "a few fields of others, and none of new names"


def test_the_times_of_errors_are_kept_of_so_many_groups_and_no_more(connection: Redis) -> None:
    """A stranger's jobs may die under ever new names, and the page of dead letters reads them all."""
    key = f"rq:ext:{QUEUE}:errors"
    connection.hset(key, mapping={"last:NonRetryable:give-up": 1, **{f"last:E:job-{number}": 1 for number in range(4000)}})
    known = connection.hlen(key)
    add_jobs(QUEUE, [("fail", {"name": "Ann"}), ("give-up", {"name": "Ann"})])
    run_jobs(QUEUE)
    assert connection.hlen(key) == known + 1, "since when, of a group that is known; nothing of a new one"
    assert float(connection.hget(key, "last:NonRetryable:give-up") or 0) > 1
