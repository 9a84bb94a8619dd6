"""Who holds a job, and for how long."""

from redis import Redis

from queues import QueueStats, get_failed_jobs, get_queue, get_queue_stats
from queues.store import scripts
from queues.worker.outcomes import Kind, Outcome
from queues.worker.settling import settle
from tests.queues.testing.contract.conftest import claim
from tests.testapp.jobs import QUEUE, greet


def test_a_claimed_job_is_nobody_elses_and_is_not_removed(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    ((mine,),) = [unit.claims for unit in claim(connection)]
    assert (mine.id, claim(connection, "other"), get_queue(QUEUE).remove(job.id)) == (job.id, [], False)


def test_only_the_holder_of_the_lease_settles(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    ((first,),) = [unit.claims for unit in claim(connection, lease_seconds=0)]
    assert scripts.reap(connection, QUEUE, 1, "500:", "stalled", "JobStalled", "2026-01-02T03:04:05Z") == [first.id.encode(), b""]
    ((second,),) = [unit.claims for unit in claim(connection, "other")]
    assert (second.id, second.stalls, second.attempts_made) == (first.id, 1, 0)
    late, good = (Outcome(claim=each, kind=Kind.COMPLETED) for each in (first, second))
    assert settle(connection, "w", [late]) == []
    assert get_queue_stats(QUEUE) == QueueStats(active=1)
    assert settle(connection, "other", [good]) == [good]
    assert settle(connection, "other", [good]) == []
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_a_job_that_stalls_too_often_is_dead(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    for _ in range(2):
        claim(connection, lease_seconds=0)
        scripts.reap(connection, QUEUE, 1, "500:", "JobStalled: gone", "JobStalled", "2026-01-02T03:04:05Z")
    assert [(dead.id, dead.stalls, dead.error) for dead in get_failed_jobs(QUEUE)] == [(job.id, 2, "JobStalled: gone")]


def test_what_is_given_back_comes_first_and_is_not_charged(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    greet.enqueue(name="Bob")
    ((mine,),) = [unit.claims for unit in claim(connection)]
    settle(connection, "w", [Outcome(claim=mine, kind=Kind.BACK)])
    assert [(job.data["name"], job.attempts_made) for job in get_queue(QUEUE).jobs("waiting")] == [("Ann", 0), ("Bob", 0)]
