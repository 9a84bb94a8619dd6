"""A worker, and a Redis server of the tests' own that goes away, hangs, fills up, or is replaced."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import django_rq
import pytest
import redis
from django.test import override_settings

from queues import (
    RedisUnavailable,
    State,
    add_job,
    add_jobs,
    cancel_job,
    close_queues,
    get_job,
    get_queue_stats,
    get_workers,
    is_paused,
    pause_queue,
    resume_queue,
)
from queues.store.connection import new_connection
from tests.processes import RedisServer, StartWorker, wait_until
from tests.proxy import Proxy
from tests.queues.listening import wait_until_heard
from tests.testapp.jobs import QUEUE, TRACE, greet

AWAY_SECONDS = float(os.environ.get("REDIS_AWAY_SECONDS", "4"))
"""30 is what is promised; less shows the same, if it is more than the leases of 3 s."""


RUBBISH = [b"{", b"[1]", b"\xff\xfe", b"null", b'{"command": {}}', b'{"command": "cancel-job"}', b'{"command": "pause-queue", "queue": []}']


def queues_at(url: str) -> dict[str, dict[str, object]]:
    return {QUEUE: {"URL": url, "SERIALIZER": "rq.serializers.JSONSerializer", "CONCURRENCY": 2}}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that this test's process and its workers use."""
    server = RedisServer(tmp_path / "redis")
    with override_settings(RQ_QUEUES=queues_at(server.url)):
        yield server
        close_queues()
    server.go_on()
    server.close()


def greetings(*names: str, seconds: float = 0.0) -> list[tuple[str, dict[str, object]]]:
    return [("greet", {"name": name, "seconds": seconds}) for name in names]


def started(server: RedisServer) -> list[str]:
    return [line.split()[-1].decode() for line in server.client.lrange(TRACE, 0, -1) if b" start " in line]


def test_an_idle_and_a_busy_worker_survive_a_restart_of_redis(start_worker: StartWorker, server: RedisServer) -> None:
    worker = start_worker(QUEUE, REDIS_URL=server.url)
    wait_until(get_workers)
    add_jobs(QUEUE, greetings("running", seconds=AWAY_SECONDS + 3))
    wait_until(lambda: started(server))  # it has noted it: a note under way would fail it
    server.kill()
    time.sleep(AWAY_SECONDS)
    server.start()
    add_jobs(QUEUE, greetings(*(f"n{number}" for number in range(20))))
    wait_until(lambda: get_queue_stats(QUEUE).completed == 21)
    assert sorted(started(server)) == sorted(["running", *(f"n{number}" for number in range(20))]), "each once"
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0


def test_a_paused_queue_is_paused_after_a_restart_too(start_worker: StartWorker, server: RedisServer) -> None:
    pause_queue(QUEUE)
    waiting = greet.enqueue(name="Ann")
    server.kill()
    server.start()
    assert is_paused(QUEUE)
    start_worker(QUEUE, REDIS_URL=server.url)
    wait_until(get_workers)
    resume_queue(QUEUE)
    wait_until(lambda: get_job(waiting.id).state is State.COMPLETED)


def test_connections_killed_again_and_again_cost_no_job_and_no_command(start_worker: StartWorker, server: RedisServer) -> None:
    start_worker(QUEUE, REDIS_URL=server.url)
    add_job(QUEUE, "greet", {"name": "first"})
    wait_until(lambda: started(server))  # whoever is cut off while it starts ends, and says so
    killer = redis.Redis(port=server.port)
    for number in range(60):
        add_until_it_answers([f"n{number}-{part}" for part in range(5)])
        for kind in ("normal", "pubsub"):
            killer.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")
        time.sleep(0.02)
    killer.close()
    names = {f"n{number}-{part}" for number in range(60) for part in range(5)}
    wait_until(lambda: names <= set(started(server)) and not get_queue_stats(QUEUE).active)
    assert get_queue_stats(QUEUE).stalled_total == 0, "a claim whose answer was lost is given back, not left to its lease"

    wait_until_heard(server.client)
    spinning = add_job(QUEUE, "spin", {"seconds": 60})
    wait_until(lambda: get_job(spinning.id).state is State.ACTIVE)
    assert cancel_job(spinning.id) is State.ACTIVE
    wait_until(lambda: get_job(spinning.id).error_class == "JobCancelled", timeout_seconds=5)


def add_until_it_answers(names: list[str]) -> None:
    """A call whose connection is killed may have arrived or not: its caller cannot know, and asks again."""

    def is_added() -> bool:
        try:
            return bool(add_jobs(QUEUE, greetings(*names)))
        except RedisUnavailable:
            return False

    wait_until(is_added)


def test_a_cancellation_that_was_not_told_reaches_the_worker_when_it_renews(start_worker: StartWorker, server: RedisServer) -> None:
    start_worker(QUEUE, REDIS_URL=server.url, DJANGO_SETTINGS_MODULE="tests.chaos.settings", CHAOS_FOLDER="")
    wait_until(get_workers)
    spinning = add_job(QUEUE, "spin", {"seconds": 60})
    wait_until(lambda: get_job(spinning.id).state is State.ACTIVE)
    server.client.hset(f"rq:job:{spinning.id}", "cancel", "1")
    wait_until(lambda: get_job(spinning.id).error_class == "JobCancelled", timeout_seconds=5)


def test_rubbish_in_its_channel_does_not_make_a_worker_deaf(start_worker: StartWorker, server: RedisServer) -> None:
    start_worker(QUEUE, REDIS_URL=server.url)
    wait_until_heard(server.client)
    channel = f"rq:pubsub:{get_workers()[0].name}"
    for rubbish in RUBBISH:
        server.client.publish(channel, rubbish)
    spinning = add_job(QUEUE, "spin", {"seconds": 60})
    wait_until(lambda: get_job(spinning.id).state is State.ACTIVE)
    cancel_job(spinning.id)
    wait_until(lambda: get_job(spinning.id).error_class == "JobCancelled", timeout_seconds=5)


def test_callers_of_a_redis_that_hangs_fail_within_a_second(server: RedisServer) -> None:
    server.hang()
    for call in (
        lambda: add_job(QUEUE, "greet", {"name": "first connection ever"}),
        lambda: add_job(QUEUE, "greet", {"name": "second"}),
        lambda: get_queue_stats(QUEUE),
        lambda: pause_queue(QUEUE),
    ):
        asked_at = time.monotonic()
        with pytest.raises(RedisUnavailable):
            call()
        assert time.monotonic() - asked_at < 1.5
    asked_at = time.monotonic()
    with pytest.raises(redis.exceptions.RedisError):
        django_rq.get_queue(QUEUE).enqueue(greet.definition.function, name="Ann")
    assert time.monotonic() - asked_at < 1.5
    server.go_on()
    add_job(QUEUE, "greet", {"name": "served again"})


def test_a_redis_that_hangs_longer_than_the_leases_costs_no_run(start_worker: StartWorker, server: RedisServer) -> None:
    workers = [start_worker(QUEUE, REDIS_URL=server.url, DJANGO_SETTINGS_MODULE="tests.chaos.settings") for _ in range(2)]
    wait_until(lambda: len(get_workers()) == 2)
    add_jobs(QUEUE, greetings("long-1", "long-2", "long-3", seconds=AWAY_SECONDS + 4))
    wait_until(lambda: len(started(server)) == 3)  # all three have noted it: a note under way would fail its job
    server.hang()
    time.sleep(AWAY_SECONDS)  # the leases are of 3 s
    server.go_on()
    add_jobs(QUEUE, greetings("after-1", "after-2"))
    wait_until(lambda: get_queue_stats(QUEUE).completed == 5)
    assert sorted(started(server)) == ["after-1", "after-2", "long-1", "long-2", "long-3"], "the living were left their leases"
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(60) for worker in workers] == [0, 0]


@pytest.fixture
def replica(server: RedisServer, tmp_path: Path) -> Iterator[RedisServer]:
    replica = RedisServer(tmp_path / "replica", "--replicaof", f"127.0.0.1 {server.port}")
    yield replica
    replica.close()


@pytest.fixture
def proxy(server: RedisServer, replica: RedisServer) -> Iterator[Proxy]:
    """An address that leads to the server so far, and is where this process has its queues."""
    proxy = Proxy(server.port)
    with override_settings(RQ_QUEUES=queues_at(proxy.url)):
        yield proxy
        close_queues()
    proxy.close()


def test_a_failover_to_a_replica_loses_nothing_that_was_replicated(
    start_worker: StartWorker, server: RedisServer, replica: RedisServer, proxy: Proxy
) -> None:
    start_worker(QUEUE, REDIS_URL=proxy.url)
    wait_until(lambda: replica.client.info("replication")["master_link_status"] == "up")
    wait_until(get_workers)
    add_jobs(QUEUE, greetings("running", seconds=3.0))
    add_jobs(QUEUE, greetings("delayed"), delay=3)
    wait_until(lambda: get_queue_stats(QUEUE).active)
    wait_until(lambda: "running" in started(replica) and replica.client.zcard(f"rq:scheduled:{QUEUE}") == 1)
    server.kill()
    replica.client.execute_command("REPLICAOF", "NO", "ONE")
    proxy.lead_to(replica.port)
    add_until_it_answers(["after"])
    wait_until(lambda: get_queue_stats(QUEUE).completed == 3)
    assert sorted(set(started(replica))) == ["after", "delayed", "running"]
    pause_queue(QUEUE)
    add_jobs(QUEUE, greetings("paused"))
    resume_queue(QUEUE)
    wait_until(lambda: get_queue_stats(QUEUE).completed == 4)


def test_a_demoted_server_is_left_for_the_one_its_address_leads_to(
    start_worker: StartWorker, server: RedisServer, replica: RedisServer, proxy: Proxy
) -> None:
    """Its connections stay open and refuse every write: nobody would ever leave it who waited for them to break."""
    start_worker(QUEUE, REDIS_URL=proxy.url)
    wait_until(get_workers)
    add_job(QUEUE, "greet-model", {"name": "before"})
    wait_until(lambda: get_queue_stats(QUEUE).completed == 1)
    wait_until(lambda: replica.client.zcard(f"rq:finished:{QUEUE}") == 1)  # what is not replicated yet would be lost
    proxy.target = replica.port  # for new connections
    replica.client.execute_command("REPLICAOF", "NO", "ONE")
    server.client.execute_command("REPLICAOF", "127.0.0.1", replica.port)
    with pytest.raises(RedisUnavailable, match="read only"):
        add_job(QUEUE, "greet-model", {"name": "refused"})
    add_job(QUEUE, "greet-model", {"name": "after"})
    wait_until(lambda: replica.client.zcard(f"rq:finished:{QUEUE}") == 2)


def test_a_full_redis_is_told_to_callers_and_emptied_by_workers(start_worker: StartWorker, server: RedisServer, tmp_path: Path) -> None:
    add_jobs(QUEUE, greetings(*(f"n{number}" for number in range(50))))
    server.client.config_set("maxmemory", "1mb")  # less than an empty server takes
    with pytest.raises(RedisUnavailable, match="maxmemory"):
        add_job(QUEUE, "greet", {"name": "no room"})
    server.client.config_set("maxmemory", "0")
    worker = start_worker(QUEUE, REDIS_URL=server.url)
    add_jobs(QUEUE, [("spin", {"seconds": 5.0})])
    wait_until(lambda: get_queue_stats(QUEUE).active)
    server.client.config_set("maxmemory", "1mb")
    wait_until(lambda: get_queue_stats(QUEUE).waiting == 0)
    server.client.config_set("maxmemory", "0")
    add_job(QUEUE, "greet", {"name": "room again"})
    wait_until(lambda: "again" in started(server))
    worker.send_signal(signal.SIGTERM)
    said, _ = worker.communicate(timeout=60)
    assert said.count("Redis does not serve") < 10, said


def test_a_worker_on_a_replica_that_takes_no_writes_says_so(start_worker: StartWorker, replica: RedisServer) -> None:
    with override_settings(RQ_QUEUES=queues_at(replica.url)):
        with pytest.raises(RedisUnavailable, match="read only"):
            add_job(QUEUE, "greet", {"name": "Ann"})
        worker = start_worker(QUEUE, REDIS_URL=replica.url)
        said, _ = worker.communicate(timeout=60)
        assert worker.returncode == 1
        assert "read only" in said and "Traceback" not in said
        new_connection(QUEUE).close()
        close_queues()
