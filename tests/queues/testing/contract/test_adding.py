"""What is added to queues, and what is refused."""

import time
from typing import Any

import pytest
from django.db import transaction
from redis import Redis

from queues import (
    Debounce,
    InvalidPayload,
    JobIdTaken,
    QueueStats,
    State,
    UnknownJob,
    UnknownQueue,
    add_job,
    add_jobs,
    get_queue,
    get_queue_stats,
)
from queues.exceptions import WrongQueue
from queues.testing import run_jobs
from tests.queues.testing.contract.conftest import Traces, claim, names
from tests.testapp.jobs import QUEUE, greet


def test_an_added_job_is_stored_as_it_was_given() -> None:
    job = add_job(QUEUE, "greet", {"name": "Änn", "seconds": 0.5}, priority=2)
    (stored,) = get_queue(QUEUE).jobs("waiting")
    assert (stored.id, stored.name, stored.queue, stored.data) == (job.id, "greet", QUEUE, {"name": "Änn", "seconds": 0.5})
    assert (stored.state, stored.priority, stored.attempts, stored.attempts_made) == (State.WAITING, 2, 3, 0)
    assert stored.created_at is not None


def test_lower_priority_numbers_run_first_and_equal_ones_in_order(traces: Traces) -> None:
    order = ["most", "urgent", "n1", "n2", "p1", "p1b", "p5", "least"]
    priorities = {"p5": 5, "n1": 0, "p1": 1, "urgent": -1, "n2": 0, "p1b": 1, "most": -2097151, "least": 2097151}
    for name, priority in priorities.items():
        add_job(QUEUE, "greet", {"name": name}, priority=priority)
    assert names() == order
    run_jobs(QUEUE)
    assert [trace for trace in traces() if "start" in trace] == [f"start {name}" for name in order]


def test_a_delayed_job_is_not_run_before_its_time() -> None:
    job = greet.using(delay=0.3).enqueue(name="Ann")
    assert (job.state, get_queue_stats(QUEUE)) == (State.DELAYED, QueueStats(delayed=1))
    assert run_jobs(QUEUE) == 0
    time.sleep(0.31)
    assert run_jobs(QUEUE) == 1


def test_many_jobs_are_added_in_one_call() -> None:
    jobs = add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(1500)])
    assert get_queue(QUEUE).job_ids("waiting") == [job.id for job in jobs]


@pytest.mark.parametrize("delay", [None, 60])
def test_a_second_add_with_the_same_dedupe_key_returns_the_first(delay: float | None) -> None:
    first = add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay, dedupe="ann")
    assert add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay, dedupe="ann").id == first.id
    assert sum([get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).delayed]) == 1


def test_a_deduplicated_job_takes_the_earlier_time_and_the_better_priority() -> None:
    add_job(QUEUE, "greet", {"name": "other"})
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=60, dedupe="ann", priority=3)
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=30, dedupe="ann", priority=3)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, delayed=1)
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann", priority=-1)
    assert names() == ["Ann", "other"]


def test_a_dedupe_key_is_free_again_once_its_job_runs() -> None:
    first = add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann")
    run_jobs(QUEUE)
    assert add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann").id != first.id


@pytest.mark.parametrize(
    ("error", "queue", "name", "data", "options"),
    [
        (UnknownQueue, "nowhere", "greet", {"name": "Ann"}, {}),
        (UnknownJob, QUEUE, "nothing", {}, {}),
        (WrongQueue, "embeddings", "greet", {"name": "Ann"}, {}),
        (InvalidPayload, QUEUE, "greet", {}, {}),
        (InvalidPayload, QUEUE, "greet", {"name": ["Ann"]}, {}),
        (InvalidPayload, QUEUE, "greet", {"name": "Ann", "surname": "Lee"}, {}),
        (InvalidPayload, QUEUE, "greet", "Ann", {}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"delay": 400 * 86400}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"delay": float("nan")}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"priority": 2097152}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"priority": -2097152}),
    ],
)
def test_what_cannot_be_a_job_is_refused_and_nothing_is_stored(
    connection: Redis, error: type[Exception], queue: str, name: str, data: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(error):
        add_job(queue, name, data, **options)
    assert list(connection.scan_iter()) == []


def test_one_invalid_job_refuses_all_of_its_call(connection: Redis) -> None:
    with pytest.raises(InvalidPayload):
        add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("greet", {"nam": "Bob"})])
    assert list(connection.scan_iter()) == []


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_transaction_is_published_on_commit() -> None:
    with transaction.atomic():
        job = greet.enqueue(name="Ann")
        assert (job.state, names()) == (State.PROVISIONAL, [])
    assert get_queue(QUEUE).job_ids("waiting") == [job.id]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_enqueues_nothing() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        greet.enqueue(name="Ann")
        raise RuntimeError
    with transaction.atomic():
        greet.enqueue(name="Bob")
        with pytest.raises(RuntimeError), transaction.atomic():
            greet.enqueue(name="Cleo")
            raise RuntimeError
        greet.enqueue(name="Dan")
    assert names() == ["Bob", "Dan"]


def test_owners_take_turns(connection: Redis) -> None:
    add_jobs(QUEUE, [("mail", {"user_id": 1, "subject": str(number)}) for number in range(5)])
    add_job(QUEUE, "mail", {"user_id": 2, "subject": "alone"})
    owners = [claim(connection)[0].claims[0].job().owner for _ in range(3)]
    assert sorted(owners) == ["1", "1", "2"]


def test_a_debounced_job_takes_the_last_payload() -> None:
    first = add_job(QUEUE, "greet", {"name": "first"}, dedupe=Debounce("key", 60))
    assert add_job(QUEUE, "greet", {"name": "last"}, dedupe=Debounce("key", 60)).id == first.id
    assert names("delayed") == ["last"]


def test_an_unfinished_job_of_a_chosen_id_is_kept_and_a_finished_one_replaced() -> None:
    for name in ("first", "second"):
        add_job(QUEUE, "greet", {"name": name}, job_id="chosen")
    assert names() == ["first"]
    run_jobs()
    add_job(QUEUE, "greet", {"name": "third"}, job_id="chosen")
    assert (names(), names("completed")) == (["third"], [])
    with pytest.raises(JobIdTaken):
        add_job("embeddings", "sweep-embeddings", {}, job_id="chosen")
