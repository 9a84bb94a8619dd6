"""What becomes of a job that runs, and of what is none."""

from typing import Any

import pytest
from redis import Redis

from queues import QueueStats, State, add_job, add_jobs, get_failed_jobs, get_queue, get_queue_stats, signals
from queues.testing import run_jobs
from tests.queues.testing.contract.conftest import Traces, names
from tests.testapp.jobs import QUEUE, fail, give_up, greet, greet_all, later_once, tell


def test_a_completed_job_keeps_its_result_and_sends_its_signal() -> None:
    told: list[str] = []

    def receive(job: Any, **_: Any) -> None:
        told.append(job.id)

    signals.completed.connect(receive)
    try:
        job = greet.enqueue(name="Ann")
        assert run_jobs(QUEUE) == 1
    finally:
        signals.completed.disconnect(receive)
    (done,) = get_queue(QUEUE).jobs("completed")
    assert (told, done.id, done.state, done.attempts_made) == ([job.id], job.id, State.COMPLETED, 1)
    assert done.started_at and done.ended_at and done.worker


def test_a_failing_job_is_retried_and_then_a_dead_letter(connection: Redis) -> None:
    fail.enqueue(name="Ann")
    assert run_jobs(QUEUE) == 1
    (waits,) = get_queue(QUEUE).jobs("delayed")
    assert (waits.attempts_made, waits.error, waits.error_class) == (1, "ValueError: no luck with Ann", "ValueError")
    assert run_jobs(QUEUE, delayed=True) == 2
    (dead,) = get_failed_jobs(QUEUE)
    assert (dead.attempts_made, dead.state) == (3, State.FAILED)
    assert connection.xlen(f"rq:results:{dead.id}") == 3
    assert connection.hgetall(f"rq:ext:{QUEUE}:totals") == {b"retried": b"2", b"failed": b"1"}


def test_what_is_not_to_be_retried_is_dead_at_once() -> None:
    give_up.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert [(job.attempts_made, job.error_class) for job in get_failed_jobs(QUEUE)] == [(1, "NonRetryable")]


def test_retry_later_charges_no_attempt(traces: Traces) -> None:
    later_once.enqueue(name="Ann")
    assert run_jobs(QUEUE, delayed=True) == 2
    (done,) = get_queue(QUEUE).jobs("completed")
    assert (done.attempts_made, traces()) == (1, ["start Ann"] * 2)


def test_a_batch_handler_gets_many_and_a_failing_item_is_retried_alone(traces: Traces) -> None:
    for number in range(12):
        greet_all.enqueue(name=f"n{number:02}", fails=number == 3)
    assert run_jobs(QUEUE, delayed=True) == 13
    sizes = [trace.split()[1:] for trace in traces()]
    assert [size for size, *_ in sizes] == ["10", "2", "1"]
    assert sizes[2][1] == "n03"
    assert get_queue_stats(QUEUE) == QueueStats(completed=12)


def test_only_so_many_completed_jobs_are_kept(connection: Redis) -> None:
    add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(105)])
    run_jobs(QUEUE)
    assert (get_queue_stats(QUEUE).completed, names("completed")[0], len(connection.keys("rq:job:*"))) == (100, "104", 100)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"\x80\x04N.", b'["os.system", null, ["true"], {}]'])
def test_planted_rubbish_is_refused_and_never_run(connection: Redis, data: bytes) -> None:
    connection.hset("rq:job:planted", mapping={"data": data, "status": "queued", "origin": QUEUE})
    connection.rpush(f"rq:queue:{QUEUE}", "planted")
    run_jobs(QUEUE)
    (dead,) = get_failed_jobs(QUEUE)
    assert dead.error.startswith("Refused")


@pytest.mark.parametrize("planted", [b"gone", b"\xff\xfe", b"", b"a b"])
def test_an_entry_without_a_job_is_dropped(connection: Redis, planted: bytes) -> None:
    connection.rpush(f"rq:queue:{QUEUE}", planted)
    connection.zadd(f"rq:ext:{QUEUE}:prio", {planted: -3})
    greet.enqueue(name="Ann")
    assert run_jobs(QUEUE) == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_a_dedupe_key_of_another_type_holds_nothing(connection: Redis) -> None:
    connection.rpush(f"rq:ext:{QUEUE}:dedupe:ann", "x")
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann")
    assert run_jobs(QUEUE) == 1


def test_numbers_that_are_none_count_as_absent(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    connection.hset(
        f"rq:job:{job.id}", mapping={"attempts": "many", "attempts_made": "x", "stalled": "?", "priority": "high", "timeout": "1e9"}
    )
    assert run_jobs(QUEUE) == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_progress_and_log_are_read_back() -> None:
    job = tell.enqueue(steps=3)
    run_jobs()
    assert (job.refresh().progress, job.logs()) == (100, ["step 0", "step 1", "step 2"])
