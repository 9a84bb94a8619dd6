import time

import pytest
from django_rq import get_queue as get_rq_queue
from redis import Redis
from rq.registry import FailedJobRegistry, FinishedJobRegistry

from queues import QueueStats, add_jobs, get_queue, get_queue_stats
from queues.testing import run_jobs
from tests.testapp.jobs import QUEUE, give_up, greet


def test_the_newest_hundred_completed_and_five_hundred_failed_are_kept(connection: Redis) -> None:
    add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(130)])
    add_jobs(QUEUE, [("give-up", {"name": str(number)}) for number in range(520)])
    run_jobs(QUEUE)
    assert (get_queue_stats(QUEUE).completed, get_queue_stats(QUEUE).failed) == (100, 500)
    assert get_queue(QUEUE).jobs("completed", 0, 0)[0].data["name"] == "129"
    assert len(connection.keys("rq:job:*")) == 600
    assert connection.hgetall("rq:ext:notifications:totals") == {b"completed": b"130", b"failed": b"520"}


def test_stock_rq_reads_what_we_store_and_changes_nothing(connection: Redis) -> None:
    kept = greet.enqueue(name="Ann")
    dead = give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    waiting = greet.enqueue(name="Cleo")
    queue = get_rq_queue(QUEUE)
    assert FinishedJobRegistry(queue=queue).get_job_ids() == [kept.id]
    assert FailedJobRegistry(queue=queue).get_job_ids() == [dead.id]
    assert queue.job_ids == [waiting.id]
    assert queue.fetch_job(kept.id).return_value() == "hello Ann"
    assert "it will never work" in queue.fetch_job(dead.id).latest_result().exc_string
    assert queue.fetch_job(waiting.id).kwargs == {"name": "Cleo", "seconds": 0.0}
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, completed=1, failed=1)


def test_clean_removes_what_is_old_enough_and_says_how_many(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    queue = get_queue(QUEUE)
    assert queue.clean(3600) == 0
    time.sleep(0.01)
    assert queue.clean(0, dry_run=True) == 2
    assert queue.clean(0, states=["completed"]) == 1
    assert queue.clean(0) == 1
    assert connection.keys("rq:job:*") == []
    with pytest.raises(ValueError, match="waiting"):
        queue.clean(0, states=["waiting"])
