"""What is done to queues, jobs and dead letters, and what they tell."""

import time
from typing import Any

import pytest
from redis import Redis

from queues import (
    QueueStats,
    State,
    add_job,
    cancel_job,
    clean_queue,
    drain_queue,
    get_queue,
    get_queue_stats,
    is_paused,
    pause_queue,
    resume_queue,
)
from queues.testing import run_jobs
from queues.worker.outcomes import Kind, Outcome
from queues.worker.settling import settle
from tests.queues.testing.contract.conftest import Traces, claim, names
from tests.testapp.jobs import QUEUE, give_up, greet


def test_a_paused_queue_accepts_jobs_and_gives_none_until_resumed(traces: Traces) -> None:
    pause_queue(QUEUE)
    greet.enqueue(name="Ann")
    greet.using(delay=60).enqueue(name="Bob")
    assert (is_paused(QUEUE), run_jobs(QUEUE, delayed=True), get_queue_stats(QUEUE)) == (True, 0, QueueStats(waiting=1, delayed=1))
    resume_queue(QUEUE)
    assert (is_paused(QUEUE), run_jobs(QUEUE), traces()) == (False, 1, ["start Ann", "end Ann"])


def test_stats_count_each_state_and_write_nothing(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    greet.enqueue(name="Cleo")
    greet.using(priority=2).enqueue(name="Dan")
    greet.using(delay=60).enqueue(name="Eve")
    claim(connection)
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, active=1, completed=1, failed=1, delayed=1)
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before


def test_clean_removes_what_ended_long_enough_ago(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    time.sleep(0.01)
    queue = get_queue(QUEUE)
    assert (clean_queue(QUEUE, 3600), queue.clean(0, dry_run=True), clean_queue(QUEUE, 0, limit=1), clean_queue(QUEUE, 0)) == (0, 2, 1, 1)
    assert connection.keys("rq:job:*") == []


def test_dead_letters_are_retried_with_their_attempts_reset() -> None:
    dead = add_job(QUEUE, "give-up", {"name": "Ann"}, priority=-1)
    add_job(QUEUE, "give-up", {"name": "Bob"})
    run_jobs(QUEUE)
    queue = get_queue(QUEUE)
    assert queue.retry(dead.id) and not queue.retry(dead.id)
    assert queue.retry_failed(name="greet") == 0
    assert queue.retry_failed(name="give-up", error_class="NonRetryable") == 1
    assert [(job.data["name"], job.attempts_made, job.priority) for job in queue.jobs("waiting")] == [("Ann", 0, -1), ("Bob", 0, 0)]


@pytest.mark.parametrize("options", [{}, {"priority": 3}, {"delay": 60.0}])
def test_a_removed_job_leaves_nothing_behind(connection: Redis, options: dict[str, Any]) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann", **options)
    queue = get_queue(QUEUE)
    assert queue.remove(job.id) and not queue.remove(job.id)
    assert get_queue_stats(QUEUE) == QueueStats()
    assert [key for key in connection.scan_iter("rq:*") if job.id.encode() in key or b"dedupe" in key] == []


def test_a_promoted_job_waits_behind_the_others_with_its_priority() -> None:
    later = add_job(QUEUE, "greet", {"name": "later"}, delay=60)
    urgent = add_job(QUEUE, "greet", {"name": "urgent"}, delay=60, priority=-1)
    now = greet.enqueue(name="now")
    queue = get_queue(QUEUE)
    assert queue.promote(later.id) and queue.promote(urgent.id) and not queue.promote(now.id)
    assert names() == ["urgent", "now", "later"]


def test_what_is_cancelled_says_what_it_was(connection: Redis) -> None:
    waiting, delayed = greet.enqueue(name="a"), greet.using(delay=60).enqueue(name="b")
    assert (cancel_job(waiting.id), cancel_job(delayed.id)) == (State.WAITING, State.DELAYED)
    running = greet.enqueue(name="c")
    (unit,) = claim(connection)
    assert cancel_job(running.id) is State.ACTIVE
    (outcome,) = settle(connection, "w", [Outcome(claim=unit.claims[0], kind=Kind.BACK)])
    assert (outcome.kind, get_queue_stats(QUEUE)) == (Kind.DEAD, QueueStats(failed=3))


def test_a_drained_queue_is_empty() -> None:
    greet.enqueue(name="a")
    greet.using(priority=3).enqueue(name="b")
    greet.using(delay=60).enqueue(name="c")
    assert (drain_queue(QUEUE), drain_queue(QUEUE, delayed=True), get_queue_stats(QUEUE)) == (2, 1, QueueStats())


def test_totals_and_the_oldest_waiting_job_are_told() -> None:
    greet.using(keep_completed=0).enqueue(name="gone")
    run_jobs()
    greet.enqueue(name="waits")
    stats = get_queue_stats(QUEUE)
    assert (stats.completed, stats.completed_total, stats.paused) == (0, 1, False)
    assert 0 <= (stats.oldest_waiting_seconds or 0) < 60
