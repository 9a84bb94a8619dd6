"""Pause, resume, dead letters, removal: what an operator does to a queue."""

import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from redis import Redis

from queues import (
    QueueStats,
    add_job,
    add_jobs,
    clean_queue,
    get_failed_jobs,
    get_queue,
    get_queue_stats,
    is_paused,
    pause_queue,
    resume_queue,
)
from queues.testing import run_jobs
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, give_up, greet

Traces = Callable[[], list[str]]


def command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_blocked_worker_takes_nothing_after_a_pause_and_wakes_when_resumed(start_worker: StartWorker, traces: Traces) -> None:
    start_worker(QUEUE)
    wait_until(lambda: get_queue(QUEUE).workers())
    late: list[float] = []
    for name in ("Ann", "Bob", "Cleo"):
        pause_queue(QUEUE)
        greet.enqueue(name=name)
        time.sleep(0.4)
        assert f"start {name}" not in traces()
        resumed_at = time.monotonic()
        resume_queue(QUEUE)
        wait_until(lambda name=name: f"end {name}" in traces())
        late.append(time.monotonic() - resumed_at)
    assert min(late) < 1


def test_running_jobs_finish_in_a_pause_and_nothing_starts_later(start_worker: StartWorker, traces: Traces) -> None:
    add_jobs(QUEUE, [("greet", {"name": f"warm {number}"}) for number in range(200)])
    start_worker(QUEUE)
    wait_until(lambda: get_queue_stats(QUEUE).completed == 100 and not get_queue_stats(QUEUE).waiting)
    for number in range(60):  # the worker takes these ahead, as the last ones were quick
        greet.enqueue(name=f"n{number}", seconds=0.3)
    wait_until(lambda: any("start n" in trace for trace in traces()))
    pause_queue(QUEUE)
    time.sleep(0.15)
    started = sum("start n" in trace for trace in traces())
    wait_until(lambda: not get_queue_stats(QUEUE).active)
    assert sum("start n" in trace for trace in traces()) == started
    assert get_queue_stats(QUEUE).waiting == 60 - started
    assert {job.attempts_made for job in get_queue(QUEUE).jobs("waiting")} == {0}


def test_a_dead_letter_is_retried_with_its_attempts_reset_and_its_priority_kept(connection: Redis) -> None:
    greet.enqueue(name="before")
    dead = add_job(QUEUE, "give-up", {"name": "Ann"}, priority=-1)
    run_jobs(QUEUE)
    queue = get_queue(QUEUE)
    assert [job.id for job in get_failed_jobs(QUEUE)] == [dead.id]
    assert queue.retry(dead.id) and not queue.retry(dead.id)
    greet.enqueue(name="other")
    (first, _) = queue.jobs("waiting")
    assert (first.id, first.attempts_made, first.priority) == (dead.id, 0, -1)
    assert connection.ttl(f"rq:job:{dead.id}") == -1


def test_dead_letters_are_retried_by_name_and_error_class() -> None:
    for number in range(3):
        give_up.enqueue(name=str(number))
        add_job(QUEUE, "fail", {"name": str(number)})
    while run_jobs(QUEUE) or get_queue_stats(QUEUE).delayed:
        from queues.store import scripts

        scripts.promote(get_queue(QUEUE).connection, QUEUE, get_queue(QUEUE).job_ids("delayed"))
    assert command("queue_retry", QUEUE, "--name", "fail", "--dry-run") == f"{QUEUE}: 3 failed jobs would be retried\n"
    assert command("queue_retry", QUEUE, "--error-class", "NonRetryable", "--limit", "1") == f"{QUEUE}: 1 failed job retried\n"
    assert get_queue(QUEUE).retry_failed(name="fail") == 3
    assert get_queue_stats(QUEUE) == QueueStats(waiting=4, failed=2)
    assert get_queue(QUEUE).retry_failed() == 2


def test_a_running_job_is_not_removed(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room

    job = greet.enqueue(name="Ann")
    Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
    assert not get_queue(QUEUE).remove(job.id)
    assert get_queue_stats(QUEUE).active == 1


def test_ended_jobs_are_cleaned_by_age() -> None:
    greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    time.sleep(0.01)
    assert clean_queue(QUEUE, timedelta(hours=1)) == 0
    assert clean_queue(QUEUE, 0) == 1


def test_the_commands_pause_and_resume() -> None:
    assert command("queue_pause", QUEUE) == f"{QUEUE}: paused\n"
    assert is_paused(QUEUE)
    assert command("queue_resume", QUEUE) == f"{QUEUE}: resumed\n"
    assert not is_paused(QUEUE)
