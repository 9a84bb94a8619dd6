"""A dedupe key with a window: the last add wins, and runs when it has been quiet for so long."""

import time

import pytest
from redis import Redis

from queues import Debounce, add_job, get_job, get_queue_stats
from queues.testing import run_jobs
from tests.processes import wait_until
from tests.testapp.jobs import QUEUE


def save(name: str, window: float = 0.3, **options: object):
    return add_job(QUEUE, "greet", {"name": name}, dedupe=Debounce("person:1", window), **options)  # type: ignore[arg-type]


def due_in(connection: Redis, job_id: str) -> float:
    score = connection.zscore(f"rq:scheduled:{QUEUE}", job_id)
    assert score is not None
    return score - time.time()


def test_many_adds_are_one_run_with_the_last_payload(traces) -> None:
    ids = {save(f"draft {number}").id for number in range(5)}
    assert len(ids) == 1
    assert run_jobs(QUEUE) == 0
    wait_until(lambda: run_jobs(QUEUE))
    assert traces() == ["start draft 4", "end draft 4"]


def test_each_add_begins_the_window_anew(connection: Redis) -> None:
    job = save("first", 60)
    connection.zincrby(f"rq:scheduled:{QUEUE}", -50, job.id)
    assert due_in(connection, job.id) < 11
    save("second", 60)
    assert due_in(connection, job.id) > 59
    assert connection.ttl(f"rq:ext:{QUEUE}:dedupe:person:1") > 3600


def test_an_add_while_the_job_runs_is_a_second_job() -> None:
    from queues.worker.claimer import Claimer, Room

    first = save("first", 0.01)
    connection = Claimer(worker="w", lease_seconds=30)
    from queues import get_queue

    redis = get_queue(QUEUE).connection
    wait_until(lambda: connection.claim(redis, [Room(queue=QUEUE, units=1)])[0])
    assert save("second").id != first.id
    assert get_queue_stats(QUEUE).delayed == 1


def test_one_that_is_due_and_waits_takes_the_newer_payload_and_keeps_its_place() -> None:
    job = save("first", 0.01)
    from queues import promote_job

    promote_job(job.id)
    assert save("second", 5).id == job.id
    assert get_job(job.id).data["name"] == "second"
    assert get_queue_stats(QUEUE).waiting == 1


@pytest.mark.parametrize(("key", "window"), [("", 5), ("x", 0), ("x", -1), ("x", float("nan"))])
def test_a_debounce_without_key_or_window_is_refused(key: str, window: float) -> None:
    with pytest.raises(ValueError):
        Debounce(key, window)
