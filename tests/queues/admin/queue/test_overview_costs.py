"""What the overview may cost, whatever the number of queues and jobs."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from django.contrib.auth.models import Group
from django.test import Client

from queues import add_jobs
from queues.store import keys
from tests.queues.accounts import make_user
from tests.queues.filling import Committed, fill_queue
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

URL = "/admin/queues/queue/"
Queries = Any


@pytest.fixture
def operator(client: Client) -> Client:
    """Holds her rights by a group, which costs a query more than a superuser's."""
    user = make_user()
    user.groups.add(Group.objects.get(name="queue operators"))
    client.force_login(user)
    return client


def strain(connection: redis.Redis, queue: str) -> None:
    """Workers, and more runs than they can have, so that the runs must be looked at."""
    for number in range(20):
        key = keys.worker(f"{queue}-{number}")
        connection.sadd("rq:workers", key)
        connection.sadd(f"rq:workers:{queue}", key)
        connection.hset(key, mapping={"birth": "2026-01-01T00:00:00.000000Z", "queues": queue, f"slots:{queue}": 1})
    connection.zadd(keys.leases(queue), {f"job-{number}:execution-{number}-0": 2e9 for number in range(300)})


@pytest.mark.parametrize("count", [1, 40])
def test_the_overview_takes_three_round_trips_and_five_queries(
    operator: Client, connection: redis.Redis, settings, django_assert_max_num_queries: Queries, count: int
) -> None:
    template = settings.RQ_QUEUES[QUEUE]
    settings.RQ_QUEUES = {f"queue-{number}": template for number in range(count)} | {QUEUE: template}
    add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(2000)])
    for name in settings.RQ_QUEUES:
        strain(connection, name)
    operator.get(URL)
    with round_trips() as trips, django_assert_max_num_queries(5):
        page = operator.get(URL).content.decode()
    assert page.count("300") >= count, "every queue is there"
    assert len(trips) == 3, trips


def test_a_quiet_queue_takes_two(operator: Client, connection: redis.Redis) -> None:
    operator.get(URL)
    with round_trips() as trips:
        operator.get(URL)
    assert len(trips) == 2, trips


def test_a_redis_that_forgot_its_scripts_takes_one_more(operator: Client, connection: redis.Redis) -> None:
    connection.script_flush()
    with round_trips() as trips:
        assert operator.get(URL).status_code == 200
    assert len(trips) == 3, trips


def test_the_overview_writes_nothing(operator: Client, committed: Committed, connection: redis.Redis) -> None:
    fill_queue(committed)
    strain(connection, QUEUE)
    connection.zadd(keys.completed(QUEUE), {"ended-long-ago": 1})
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    connection.config_resetstat()
    assert operator.get(URL).status_code == 200
    called = {name.removeprefix("cmdstat_") for name in connection.info("commandstats")}
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before
    reads = {"evalsha", "eval", "info", "smembers", "hgetall", "hmget", "hget", "time", "ping", "zrange", "zrangebyscore", "zcard", "llen"}
    reads |= {"lindex", "type", "exists", "scan", "dump", "config|resetstat", "script|load", "client|setinfo", "zcount", "hexists"}
    assert called <= reads, called - reads
