"""cancel_job says what it found, and what was cancelled is a dead letter that says so."""

from collections.abc import Callable

import pytest
from redis import Redis

from queues import QueueStats, State, add_job, add_jobs, cancel_job, get_failed_jobs, get_job, get_queue_stats, retry_job, signals
from queues.jobs.job import Job
from queues.testing import run_jobs
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, greet, spin, tell

Traces = Callable[[], list[str]]


@pytest.fixture
def dead() -> list[Job]:
    found: list[Job] = []

    def note(job: Job, **kwargs: object) -> None:
        found.append(job)

    signals.dead.connect(note)
    yield found
    signals.dead.disconnect(note)


@pytest.mark.parametrize(
    ("options", "state"),
    [({}, State.WAITING), ({"priority": 3}, State.WAITING), ({"delay": 60}, State.DELAYED), ({"dedupe": "a"}, State.WAITING)],
)
def test_a_waiting_or_delayed_job_becomes_a_dead_letter(
    connection: Redis, dead: list[Job], options: dict[str, object], state: State
) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"}, **options)  # type: ignore[arg-type]
    assert cancel_job(job.id) is state
    assert cancel_job(job.id) is None
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)
    assert get_failed_jobs(QUEUE)[0].error == "JobCancelled: it was cancelled before it ran"
    assert [job.id for job in dead] == [job.id]
    assert connection.keys("rq:ext:*dedupe*") == []
    assert retry_job(job.id) and run_jobs(QUEUE) == 1, "it can be had back"


def test_a_running_job_stops_where_it_next_tells_something(start_worker: StartWorker, traces: Traces) -> None:
    job = tell.enqueue(steps=200, seconds=0.1)
    start_worker(QUEUE)
    wait_until(lambda: get_job(job.id).progress)
    assert cancel_job(job.id) is State.ACTIVE
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    assert get_failed_jobs(QUEUE)[0].error_class == "JobCancelled"
    assert traces() == []


def test_a_running_job_that_tells_nothing_is_interrupted(start_worker: StartWorker, traces: Traces) -> None:
    job = spin.enqueue(seconds=60)
    start_worker(QUEUE)
    wait_until(traces)
    assert cancel_job(job.id) is State.ACTIVE
    wait_until(lambda: get_queue_stats(QUEUE).failed)
    assert traces() == ["start spin"]


def test_the_thread_of_a_cancelled_job_serves_the_next(start_worker: StartWorker, traces: Traces) -> None:
    jobs = [spin.enqueue(seconds=60) for _ in range(5)]
    start_worker(QUEUE)
    wait_until(lambda: len(traces()) == 5)
    for job in jobs:
        cancel_job(job.id)
    greet.enqueue(name="Ann")
    wait_until(lambda: "end Ann" in traces())


def test_an_item_of_a_batch_is_cancelled_alone_unless_it_completed(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.outcomes import completed, failed
    from queues.worker.settling import settle

    jobs = add_jobs(QUEUE, [("greet-all", {"name": name}) for name in "abc"])
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
    assert [cancel_job(job.id) for job in jobs[:2]] == [State.ACTIVE, State.ACTIVE]
    first, second, third = unit.claims
    again = ValueError("try again")
    outcomes = settle(connection, "w", [completed(first, None), failed(second, again), failed(third, again)])
    assert [outcome.kind for outcome in outcomes] == ["completed", "dead", "retry"]
    assert get_job(jobs[1].id).error_class == "JobCancelled"
    assert get_job(jobs[0].id).state is State.COMPLETED


def test_a_cancelled_job_whose_worker_disappears_does_not_run_again(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.leases import Reaper

    job = greet.enqueue(name="Ann")
    Claimer(worker="w", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=1)])
    assert cancel_job(job.id) is State.ACTIVE
    Reaper([QUEUE])._reap_queue(connection, QUEUE)
    assert (get_job(job.id).state, get_job(job.id).error_class) == (State.FAILED, "JobCancelled")


def test_a_cancelled_job_that_is_given_back_does_not_run_again(connection: Redis) -> None:
    from queues.worker.claimer import Claimer, Room
    from queues.worker.outcomes import Kind, Outcome
    from queues.worker.settling import settle

    job = add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann")
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
    cancel_job(job.id)
    (outcome,) = settle(connection, "w", [Outcome(claim=unit.claims[0], kind=Kind.BACK)])
    assert outcome.kind is Kind.DEAD
    assert (get_job(job.id).error_class, connection.keys("rq:ext:*dedupe*")) == ("JobCancelled", [])


def test_an_ended_job_is_not_cancelled() -> None:
    job = greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert cancel_job(job.id) is None
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)
