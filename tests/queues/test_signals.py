"""Every signal, where it is sent and with what."""

import logging
import threading
from collections.abc import Callable, Iterator

import pytest
from django.dispatch import Signal
from redis import Redis

from queues import add_job, get_queue, get_queue_stats, pause_queue, register_worker, resume_queue, signals
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from tests.processes import wait_until
from tests.testapp.jobs import QUEUE, give_up, greet, oversleep, tell

NAMES = ["added", "paused", "resumed", "started", "progressed", "completed", "retried", "failed", "dead", "stalled", "worker_error"]


@pytest.fixture
def heard() -> Iterator[list[tuple[str, object]]]:
    """Names of signals with the job's name or id, the queue or the error, as they come."""
    found: list[tuple[str, object]] = []
    receivers = []
    for name in NAMES:
        signal: Signal = getattr(signals, name)

        def receive(name: str = name, **facts: object) -> None:
            about = facts.get("job") or facts.get("queue") or facts.get("error")
            found.append((name, getattr(about, "name", about)))

        def receiver(signal: Signal, sender: object, receive: Callable[..., None] = receive, **facts: object) -> None:
            receive(**facts)

        signal.connect(receiver)
        receivers.append((signal, receiver))
    yield found
    for signal, receiver in receivers:
        signal.disconnect(receiver)


def test_a_completed_job_is_added_started_and_completed(heard: list[tuple[str, object]]) -> None:
    greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert heard == [("added", "greet"), ("started", "greet"), ("completed", "greet")]


def test_a_failing_job_fails_at_each_attempt_and_dies_once(heard: list[tuple[str, object]]) -> None:
    add_job(QUEUE, "fail", {"name": "Ann"}, attempts=2, backoff=0)
    while run_jobs(QUEUE):
        pass
    assert [name for name, _ in heard] == ["added", "started", "failed", "retried", "started", "failed", "dead"]


def test_a_job_that_gives_up_is_dead_after_one_attempt(heard: list[tuple[str, object]]) -> None:
    give_up.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert [name for name, _ in heard] == ["added", "started", "failed", "dead"]


def test_progress_is_sent_while_the_job_runs(heard: list[tuple[str, object]]) -> None:
    tell.enqueue(steps=2)
    run_jobs(QUEUE)
    assert [name for name, _ in heard] == ["added", "started", "progressed", "progressed", "completed"]


def test_a_deduplicated_job_is_added_once(heard: list[tuple[str, object]]) -> None:
    for _ in range(3):
        add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="a")
        add_job(QUEUE, "greet", {"name": "Bob"}, job_id="b")
    assert heard == [("added", "greet"), ("added", "greet")]


def test_pause_and_resume_are_sent_in_the_caller(heard: list[tuple[str, object]]) -> None:
    pause_queue(QUEUE)
    resume_queue(QUEUE)
    assert heard == [("paused", QUEUE), ("resumed", QUEUE)]


def test_a_stall_is_told_by_whoever_finds_it(heard: list[tuple[str, object]]) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.leases import Reaper

    connection = get_queue(QUEUE).connection
    greet.enqueue(name="Ann")
    for _ in range(2):
        Claimer(worker="w", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=1)])
        Reaper([QUEUE])._reap_queue(connection, QUEUE)
    assert [name for name, _ in heard] == ["added", "stalled", "stalled", "dead"]


@pytest.mark.parametrize("name", ["added", "started", "progressed", "completed"])
def test_a_receiver_that_raises_is_logged_and_harms_no_job(name: str, caplog: pytest.LogCaptureFixture, traces) -> None:
    def raise_it(**kwargs: object) -> None:
        raise RuntimeError("a receiver's own trouble")

    signal: Signal = getattr(signals, name)
    signal.connect(raise_it)
    try:
        tell.enqueue(steps=1)
        run_jobs(QUEUE)
    finally:
        signal.disconnect(raise_it)
    assert traces()[-1].startswith("told")
    assert get_queue(QUEUE).stats().completed == 1
    assert "a receiver's own trouble" in caplog.text


def test_each_outcome_is_one_line_that_carries_its_facts(caplog: pytest.LogCaptureFixture) -> None:
    from queues.worker.announcer import log_outcome
    from queues.worker.claimer import Claimer, Room
    from queues.worker.outcomes import completed, failed
    from queues.worker.settling import settle

    connection = get_queue(QUEUE).connection
    jobs = [greet.enqueue(name="Ann"), give_up.enqueue(name="Bob")]
    first, second = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=2)])[0]
    with caplog.at_level(logging.INFO, "queues.worker"):
        for outcome in settle(connection, "w", [completed(first.claims[0], None), failed(second.claims[0], ValueError("no\nluck"))]):
            log_outcome(outcome)
    good, bad = caplog.records
    assert (good.levelname, good.job_id, good.queue, good.job_name, good.attempt) == ("INFO", jobs[0].id, QUEUE, "greet", 1)
    assert isinstance(good.duration_seconds, float)
    assert good.getMessage().startswith(f"outcome=completed job_id={jobs[0].id} queue={QUEUE} job_name=greet attempt=1 duration_seconds=")
    assert (bad.levelname, bad.outcome) == ("WARNING" if bad.outcome == "retry" else "ERROR", bad.outcome)
    assert "\n" not in bad.getMessage()


def test_a_line_of_an_outcome_shows_no_masked_value_and_is_one_line_whatever_the_job_is_called(
    connection: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    add_job(QUEUE, "fail-with-token", {"name": "Ann", "token": "hunter-2-token"}, attempts=1)
    planted = greet.enqueue(name="Bob")
    connection.hset(f"rq:job:{planted.id}", mapping={"name": "x\noutcome=completed \x1b[2J", "data": b"rubbish"})
    with caplog.at_level(logging.INFO, "queues.worker"):
        run_jobs(QUEUE)
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("outcome=")]
    assert len(lines) == 2 and "no luck with" in lines[0]
    assert "hunter-2" not in caplog.text
    assert all(line.isprintable() for line in lines)


def test_a_slow_receiver_keeps_no_worker_from_its_duties(connection: Redis, settings) -> None:
    """Leases are renewed and deadlines kept while somebody mails, slowly, that a job stalled."""
    settings.QUEUES_LEASE_SECONDS = 2
    stuck, done = threading.Event(), threading.Event()

    def receive(**_: object) -> None:
        stuck.set()
        done.wait(30)

    greet.enqueue(name="Ann")
    Claimer(worker="gone", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=1)])
    signals.stalled.connect(receive)
    try:
        with register_worker(QUEUE):
            assert stuck.wait(20)
            oversleep.enqueue(name="Bob")
            wait_until(lambda: get_queue_stats(QUEUE).failed)
            done.set()
    finally:
        done.set()
        signals.stalled.disconnect(receive)
