"""Dead letters of two kinds, and who may act on them."""

from __future__ import annotations

import pytest
import redis
from django.test import Client

from queues import add_jobs
from queues.operations.dead_letters import DeadLetterGroup, get_dead_letters
from queues.testing import run_jobs
from tests.clock import HOUR, stay_in_one
from tests.queues.accounts import make_user
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

URL = "/admin/queues/deadletter/"
FAR = 315360000
FAILS = {"name": "fail", "error_class": "ValueError"}


@pytest.fixture
def dead(committed: Committed) -> None:
    """Three of `fail` with a ValueError and one of `give-up`, in one queue, counted in the hour in which the test looks."""
    stay_in_one(HOUR)
    die(committed, ("fail", 3), ("give-up", 1))


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue", "change_queue", "remove_job"))
    return client


def die(committed: Committed, *groups: tuple[str, int]) -> None:
    with committed(execute=True):
        for name, count in groups:
            add_jobs(QUEUE, [(name, {"name": f"n{number}"}) for number in range(count)], attempts=1)
    run_jobs(QUEUE)


def plant(connection: redis.Redis, count: int, queue: str = QUEUE) -> list[str]:
    """So many of `fail` that died of a ValueError, as the scripts leave them, long ago."""
    ids = [f"{queue}-{number}" for number in range(count)]
    facts = {"status": "failed", "origin": queue, "name": "fail", "error_class": "ValueError", "ended_at": "1970-01-01T00:00:01.000000Z"}
    with connection.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hset(f"rq:job:{job_id}", mapping=facts)
        pipeline.zadd(f"rq:failed:{queue}", {job_id: FAR + 1 + number for number, job_id in enumerate(ids)})
        pipeline.zadd(f"rq:ext:{queue}:by:error:ValueError", {job_id: 1 + number for number, job_id in enumerate(ids)})
        pipeline.execute()
    return ids


def found(**wanted: str) -> dict[tuple[str, str], DeadLetterGroup]:
    return {(group.error_class, group.name): group for group in get_dead_letters(**wanted).groups}
