"""Owners are served in turn within a priority."""

from collections import Counter

import pytest
from redis import Redis

from queues import InvalidPayload, QueueStats, add_job, add_jobs, get_jobs, get_queue, get_queue_stats, job
from queues.exceptions import InvalidJob
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from queues.worker.outcomes import Kind, Outcome
from queues.worker.settling import settle
from tests.testapp.jobs import QUEUE, greet, mail


def add_mails(user_id: int, count: int, **options: object) -> None:
    add_jobs(QUEUE, [("mail", {"user_id": user_id, "subject": str(number)}) for number in range(count)], **options)  # type: ignore[arg-type]


def claimed(connection: Redis, count: int) -> list[str]:
    """The owners, or names, of the next jobs, one claim each."""
    claimer = Claimer(worker="w", lease_seconds=30)
    found = []
    for _ in range(count):
        (unit,), _due = claimer.claim(connection, [Room(queue=QUEUE, units=1)])
        job = unit.claims[0].job()
        found.append(job.owner or job.data["name"])
    return found


def test_one_owners_many_jobs_delay_anothers_single_one_by_at_most_one_claim(connection: Redis) -> None:
    add_mails(1, 3000)
    assert claimed(connection, 5) == ["1"] * 5
    add_mails(2, 1)
    assert "2" in claimed(connection, 2)


def test_owners_take_turns_and_each_ones_jobs_stay_in_order(connection: Redis) -> None:
    add_mails(1, 4)
    add_mails(2, 2)
    add_mails(3, 1)
    rounds = claimed(connection, 7)
    assert [Counter(part) for part in (rounds[:3], rounds[3:5], rounds[5:])] == [
        Counter({"1": 1, "2": 1, "3": 1}),
        Counter({"1": 1, "2": 1}),
        Counter({"1": 2}),
    ]


def test_jobs_without_an_owner_share_the_turns(connection: Redis) -> None:
    add_mails(1, 3)
    for name in "abc":
        greet.enqueue(name=name)
    found = claimed(connection, 6)
    assert [entry for entry in found if entry != "1"] == ["a", "b", "c"]
    assert all(Counter(found[at : at + 2])["1"] == 1 for at in (0, 2, 4))


def test_a_better_priority_goes_before_every_turn(connection: Redis) -> None:
    add_mails(1, 3)
    add_mails(2, 1, priority=5)
    add_mails(3, 1, priority=-1)
    assert claimed(connection, 5) == ["3", "1", "1", "1", "2"]


def test_priorities_without_owners_are_first_in_first_out(connection: Redis) -> None:
    for number, priority in enumerate([5, 1, 5, -2, 1, -2]):
        add_job(QUEUE, "greet", {"name": f"{priority}.{number}"}, priority=priority)
    assert claimed(connection, 6) == ["-2.3", "-2.5", "1.1", "1.4", "5.0", "5.2"]


def test_a_job_given_back_is_the_first_of_its_priority_again(connection: Redis) -> None:
    add_mails(1, 1)
    add_mails(2, 1)
    (unit,), _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=1)])
    settle(connection, "w", [Outcome(claim=unit.claims[0], kind=Kind.BACK)])
    assert get_jobs(QUEUE, "waiting", 0, 0)[0].id == unit.claims[0].id


def test_turns_are_forgotten_with_the_last_waiting_job(connection: Redis) -> None:
    for user_id in range(20):
        add_mails(user_id, 2)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=40)
    run_jobs(QUEUE)
    assert connection.exists(f"rq:ext:{QUEUE}:turns") == 0
    assert get_queue_stats(QUEUE).completed == 40


def test_only_owners_with_waiting_jobs_are_remembered(connection: Redis) -> None:
    add_mails(0, 500)
    for user_id in range(1, 30):
        add_mails(user_id, 1)
        claimed(connection, 2)
    owners = [field for field in connection.hkeys(f"rq:ext:{QUEUE}:turns") if b":" in field]
    assert len(owners) <= 2


def test_the_owner_is_stored_and_survives_a_retry() -> None:
    found = mail.enqueue(user_id=7, subject="hello")
    assert (found.owner, get_queue(QUEUE).get(found.id).owner) == ("7", "7")


def test_an_owner_must_be_a_field_of_the_payload() -> None:
    with pytest.raises(InvalidJob, match="owner='nobody'"):

        @job(name="wrong-owner", queue=QUEUE, owner="nobody")
        def wrong(*, user_id: int) -> None: ...

    with pytest.raises(InvalidPayload):
        mail.enqueue(subject="no user")  # type: ignore[call-arg]


def test_jobs_of_one_owner_are_found_in_any_state() -> None:
    add_mails(1, 3)
    add_mails(2, 2)
    add_mails(2, 1, delay=60)
    assert [job.data["subject"] for job in get_jobs(QUEUE, "waiting", owner="2")] == ["0", "1"]
    assert [job.data["subject"] for job in get_jobs(QUEUE, "waiting", 1, 1, owner="1")] == ["1"]
    assert len(get_jobs(QUEUE, "delayed", owner="2")) == 1
    assert get_jobs(QUEUE, "waiting", owner="3") == []
