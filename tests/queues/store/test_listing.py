"""Jobs by state and page, and the search in dead letters."""

from datetime import timedelta

import pytest
from redis import Redis

from queues import NonRetryable, add_job, add_jobs, get_failed_jobs, get_jobs, retry_failed
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from queues.worker.outcomes import failed
from queues.worker.settling import settle
from tests.testapp.jobs import QUEUE

NAMES = ["u0", "u1", "n0", "n1", "n2", "p0", "p1"]


@pytest.mark.parametrize("end", [-9, -3, -1, 0, 1, 2, 4, 5, 6, 99])
@pytest.mark.parametrize("start", [-9, -2, 0, 1, 2, 3, 5, 6, 7])
def test_a_page_of_waiting_jobs_crosses_their_priorities(start: int, end: int) -> None:
    for name in NAMES:
        add_job(QUEUE, "greet", {"name": name}, priority={"u": -1, "n": 0, "p": 1}[name[0]])
    length = len(NAMES)
    expected = NAMES[max(0, start + length if start < 0 else start) : max(0, (end + length if end < 0 else end) + 1)]
    assert [job.data["name"] for job in get_jobs(QUEUE, "waiting", start, end)] == expected


def test_a_page_of_a_long_queue_does_not_read_the_queue(connection: Redis) -> None:
    for _ in range(5):
        add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(1000)])
    before = connection.info("stats")["total_net_output_bytes"]
    assert len(get_jobs(QUEUE, "waiting", 4000, 4001)) == 2
    assert connection.info("stats")["total_net_output_bytes"] - before < 20_000


def test_dead_letters_are_searched(connection: Redis) -> None:
    for user_id, subject in ((1, "hello"), (1, "bye"), (2, "hello")):
        add_job(QUEUE, "mail", {"user_id": user_id, "subject": subject})
    units, _ = Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=9)])
    settle(connection, "w", [failed(claim, NonRetryable("mailbox full")) for unit in units for claim in unit.claims])
    add_job(QUEUE, "give-up", {"name": "Ann"})
    run_jobs(QUEUE)
    assert len(get_failed_jobs(QUEUE, owner="1")) == 2
    assert [job.data["user_id"] for job in get_failed_jobs(QUEUE, text="hello")] in ([2, 1], [1, 2])
    assert [job.data["subject"] for job in get_failed_jobs(QUEUE, owner="1", text="bye")] == ["bye"]
    assert len(get_failed_jobs(QUEUE, 1, 2, text="mailbox full")) == 2
    assert len(get_failed_jobs(QUEUE, 0, 0, name="mail")) == 1
    assert get_failed_jobs(QUEUE, older_than=timedelta(hours=1)) == []
    assert (retry_failed(QUEUE, owner="2"), len(get_failed_jobs(QUEUE))) == (1, 3)
