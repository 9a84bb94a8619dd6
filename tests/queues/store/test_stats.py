"""A queue in numbers."""

import pytest
from redis import Redis

from queues import QueueStats, add_job, drain_queue, get_all_queue_stats, get_queue, get_queue_stats, pause_queue, queue_names
from queues.testing import run_jobs
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, greet, spin


def test_reading_is_one_round_trip_and_writes_nothing(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    add_job(QUEUE, "give-up", {"name": "Bob"})
    add_job(QUEUE, "greet", {"name": "Cleo"}, delay=60)
    run_jobs(QUEUE)
    greet.enqueue(name="Dan")
    get_all_queue_stats()
    before = {key: connection.dump(key) for key in connection.keys("*")}
    reads = connection.info("stats")["total_reads_processed"]
    found = get_all_queue_stats()
    assert connection.info("stats")["total_reads_processed"] - reads == 2, "one for the statistics, one for this question"
    assert list(found) == queue_names()
    assert found[QUEUE] == QueueStats(waiting=1, completed=1, failed=1, delayed=1)
    assert {key: connection.dump(key) for key in connection.keys("*")} == before


def test_totals_count_since_ever_not_what_is_kept() -> None:
    for number in range(3):
        add_job(QUEUE, "greet", {"name": str(number)}, keep_completed=0)
    add_job(QUEUE, "fail", {"name": "Ann"}, attempts=3, backoff=0)
    while run_jobs(QUEUE):
        pass
    found = get_queue_stats(QUEUE)
    assert (found.completed, found.completed_total, found.failed_total, found.retried_total) == (0, 3, 1, 2)


def test_the_oldest_waiting_job_is_found_among_all_priorities(connection: Redis) -> None:
    assert get_queue_stats(QUEUE).oldest_waiting_seconds is None
    greet.enqueue(name="young")
    assert 0 <= (get_queue_stats(QUEUE).oldest_waiting_seconds or 0) < 5
    for priority, age in ((-3, 50), (7, 500), (2_000_000, 5000)):
        job = add_job(QUEUE, "greet", {"name": "old"}, priority=priority)
        add_job(QUEUE, "greet", {"name": "young"}, priority=priority)
        connection.hincrbyfloat(f"rq:job:{job.id}", "since", -age)
        assert age <= (get_queue_stats(QUEUE).oldest_waiting_seconds or 0) < age + 5


def test_a_delayed_job_waits_since_it_was_due(connection: Redis) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"}, delay=60)
    connection.zincrby(f"rq:scheduled:{QUEUE}", -160, job.id)
    pause_queue(QUEUE)
    assert run_jobs(QUEUE) == 0, "what is due in a pause waits"
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
    assert 100 <= (get_queue_stats(QUEUE).oldest_waiting_seconds or 0) < 110


def test_the_age_of_a_job_of_plain_rq_is_told_too(connection: Redis) -> None:
    from rq import Queue
    from rq.serializers import JSONSerializer

    job = Queue(QUEUE, connection=connection, serializer=JSONSerializer).enqueue("tests.testapp.jobs.greet", name="Ann")
    connection.hset(f"rq:job:{job.id}", "enqueued_at", "2026-01-01T00:00:00.000000Z")
    assert (get_queue_stats(QUEUE).oldest_waiting_seconds or 0) > 86400


def test_busy_slots_of_the_fleet(start_worker: StartWorker) -> None:
    assert (get_queue_stats(QUEUE).workers, get_queue_stats(QUEUE).concurrency) == (0, 0)
    start_worker(QUEUE)
    start_worker(QUEUE)
    wait_until(lambda: get_queue_stats(QUEUE).concurrency == 10)
    for _ in range(3):
        spin.enqueue(seconds=5)
    wait_until(lambda: get_queue_stats(QUEUE).busy == 3)
    assert get_queue_stats(QUEUE).workers == 2


def test_pause_is_told() -> None:
    pause_queue(QUEUE)
    assert get_queue_stats(QUEUE).paused
    get_queue(QUEUE).resume()
    assert not get_queue_stats(QUEUE).paused


@pytest.mark.parametrize(("delayed", "left"), [(False, QueueStats(delayed=1, completed=1)), (True, QueueStats(completed=1))])
def test_a_drained_queue_has_nothing_waiting_and_keeps_what_ended(connection: Redis, delayed: bool, left: QueueStats) -> None:
    greet.enqueue(name="done")
    run_jobs(QUEUE)
    for number in range(2500):
        add_job(QUEUE, "greet", {"name": str(number)}, dedupe=f"n{number}", priority=number % 3)
    add_job(QUEUE, "greet", {"name": "later"}, delay=60, dedupe="later")
    assert drain_queue(QUEUE, delayed=delayed) == (2501 if delayed else 2500)
    assert get_queue_stats(QUEUE) == left
    assert len(connection.keys("rq:job:*")) == 1 + left.delayed
    assert len(connection.keys("rq:ext:*dedupe*")) == left.delayed
    assert connection.exists(f"rq:ext:{QUEUE}:turns") == 0
