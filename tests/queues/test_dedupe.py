"""What holds a dedupe key, for how long, and what a second add is given."""

import pytest
from redis import Redis

from queues import Debounce, NonRetryable, QueueStats, add_job, cancel_job, get_job, get_queue, get_queue_stats, retry_job
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from queues.worker.claims import Unit
from queues.worker.leases import Reaper
from queues.worker.outcomes import Kind, Outcome, failed
from queues.worker.settling import settle
from tests.testapp.jobs import QUEUE, greet


def add(name: str = "Ann", **options: object):
    return add_job(QUEUE, "greet", {"name": name}, **{"dedupe": "ann", **options})  # type: ignore[arg-type]


def claim(connection: Redis, lease_seconds: int = 30) -> Unit:
    (unit,), _ = Claimer(worker="w", lease_seconds=lease_seconds).claim(connection, [Room(queue=QUEUE, units=1)])
    return unit


def test_a_second_add_is_given_the_job_that_is_there() -> None:
    first = add("Ann", priority=3, attempts=7)
    second = add("Bob", priority=5)
    assert second == get_job(first.id)
    assert (second.data["name"], second.priority, second.attempts) == ("Ann", 3, 7)


def test_an_add_under_the_id_of_an_unfinished_job_is_given_that_job() -> None:
    add_job(QUEUE, "greet", {"name": "Ann"}, job_id="x", delay=60)
    assert add_job(QUEUE, "greet", {"name": "Bob"}, job_id="x") == get_job("x")
    assert get_job("x").data["name"] == "Ann"


def test_a_job_given_back_holds_its_key_again(connection: Redis) -> None:
    first = add()
    settle(connection, "w", [Outcome(claim=claim(connection).claims[0], kind=Kind.BACK)])
    assert add().id == first.id
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)


def test_a_job_whose_worker_disappeared_holds_its_key_again(connection: Redis) -> None:
    first = add()
    claim(connection, lease_seconds=0)
    Reaper([QUEUE])._reap_queue(connection, QUEUE)
    assert add().id == first.id


def test_a_retried_dead_letter_holds_its_key_again_unless_another_job_has_it(connection: Redis) -> None:
    first = add()
    cancel_job(first.id)
    assert retry_job(first.id) and add().id == first.id
    settle(connection, "w", [failed(claim(connection).claims[0], NonRetryable("no"))])
    second = add()
    assert second.id != first.id
    assert retry_job(first.id), "whoever retries a dead letter wants it run, whatever was added since"
    assert add().id == second.id
    assert get_queue_stats(QUEUE) == QueueStats(waiting=2)


@pytest.mark.parametrize("options", [{}, {"delay": 7200}])
def test_a_job_holds_its_key_however_long_the_backlog(connection: Redis, options: dict[str, float]) -> None:
    add(**options)
    assert connection.ttl(f"rq:ext:{QUEUE}:dedupe:ann") - options.get("delay", 0) > 86400


def test_a_finished_job_is_only_replaced_where_a_new_one_takes_its_id() -> None:
    add_job(QUEUE, "greet", {"name": "Ann"}, job_id="x")
    run_jobs(QUEUE)
    holder = add()
    assert add(job_id="x").id == holder.id
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, completed=1)


def test_a_debounced_job_becomes_the_last_one_in_all() -> None:
    first = add_job(QUEUE, "fail", {"name": "Ann"}, dedupe=Debounce("ann", 60))
    second = add_job(QUEUE, "greet", {"name": "Bob"}, dedupe=Debounce("ann", 60))
    assert (second.id, second.name, second.data["name"]) == (first.id, "greet", "Bob")
    assert get_job(first.id).name == "greet"


def test_a_stalled_dead_letter_says_when_it_ended(connection: Redis, settings) -> None:
    settings.QUEUES_STALL_LIMIT = 0
    job = greet.enqueue(name="Ann")
    claim(connection, lease_seconds=0)
    Reaper([QUEUE])._reap_queue(connection, QUEUE)
    assert get_job(job.id).ended_at is not None
    assert get_queue(QUEUE).retry_failed(older_than=0) == 1


def test_a_prioritized_job_that_found_no_room_keeps_its_place(connection: Redis) -> None:
    for name, job_name in (("batch", "greet-all"), ("old", "greet")):
        add_job(QUEUE, job_name, {"name": name}, priority=5)
    claim(connection)  # takes the batch, and looks at `old` whether it fits
    add_job(QUEUE, "greet", {"name": "new"}, priority=5)
    assert [job.data["name"] for job in get_queue(QUEUE).jobs("waiting")] == ["old", "new"]
