"""What a stranger may plant in Redis: keys of other types, hashes full of nonsense. It harms its own queue at most, and is named."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest
import redis
from django.core.management import CommandError, call_command

from queues import (
    JobNotFound,
    RedisUnavailable,
    State,
    add_job,
    get_all_queue_stats,
    get_job,
    get_jobs,
    get_queue,
    get_queue_stats,
    get_workers,
)
from queues.api.prometheus.reading import read_server
from queues.operations.diagnosis import examine
from queues.operations.health import Level
from queues.store import keys, scripts
from queues.store.fields import rq_time
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from queues.worker.leases import renew
from queues.worker.outcomes import completed
from queues.worker.settling import settle
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE

OTHER = "email-sync"
STRUCTURES = [f"rq:queue:{QUEUE}", f"rq:scheduled:{QUEUE}", f"rq:finished:{QUEUE}", f"rq:failed:{QUEUE}"] + [
    f"rq:ext:{QUEUE}:{part}" for part in ("prio", "lease", "state", "turns", "totals")
]


def plant(connection: redis.Redis, key: str) -> None:
    """A key of a type that no key of ours has in this place."""
    connection.delete(key)
    connection.set(key, "rubbish")


@pytest.mark.parametrize("key", STRUCTURES)
def test_a_queue_with_a_key_of_another_type_is_refused_by_name_and_loses_nothing(connection: redis.Redis, key: str) -> None:
    plant(connection, key)
    for refused in (
        lambda: add_job(QUEUE, "greet", {"name": "Ann"}),
        lambda: get_queue_stats(QUEUE),
        lambda: get_queue(QUEUE).drain(),
        lambda: get_queue(QUEUE).promote("x"),
        lambda: get_queue(QUEUE).cancel("x"),
        lambda: get_queue(QUEUE).remove("x"),
        lambda: get_queue(QUEUE).retry("x"),
    ):
        with pytest.raises(RedisUnavailable, match=f"BROKEN {key} is a string"):
            refused()
    assert not list(connection.scan_iter("rq:job:*")), "nothing is half added"
    scripts.reap(connection, QUEUE, 1, "500:", "JobStalled: gone", "JobStalled", rq_time(time.time()))


@pytest.mark.parametrize("key", STRUCTURES)
def test_a_broken_queue_is_left_alone_and_the_others_go_on(connection: redis.Redis, key: str) -> None:
    claimer = Claimer(worker="w", lease_seconds=30)
    waiting = add_job(QUEUE, "greet", {"name": "Ann"})
    connection.rename(f"rq:queue:{QUEUE}", "kept")
    plant(connection, key)
    enqueue_plainly(connection, OTHER)
    units, _ = claimer.claim(connection, [Room(queue=QUEUE, units=5), Room(queue=OTHER, units=5)])
    assert [unit.queue for unit in units] == [OTHER]
    assert [fault.split()[1] for fault in claimer.faults] == [key]
    connection.delete(key)
    connection.rename("kept", f"rq:queue:{QUEUE}")
    units, _ = claimer.claim(connection, [Room(queue=QUEUE, units=5)])
    assert [claim.id for unit in units for claim in unit.claims] == [waiting.id]
    assert not claimer.faults


def enqueue_plainly(connection: redis.Redis, queue: str) -> None:
    connection.hset("rq:job:other", mapping={"status": "queued", "origin": queue, "data": b"{}", "attempts": 1, "name": "x"})
    connection.rpush(f"rq:queue:{queue}", "other")


def test_an_outcome_for_a_broken_queue_is_dropped_and_its_lease_stays(connection: redis.Redis) -> None:
    add_job(QUEUE, "greet", {"name": "Ann"})
    (unit,), _ = Claimer(worker="w", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=1)])
    plant(connection, f"rq:finished:{QUEUE}")
    assert settle(connection, "w", [completed(unit.claims[0], None)]) == []
    connection.delete(f"rq:finished:{QUEUE}")
    scripts.reap(connection, QUEUE, 1, "500:", "JobStalled: gone", "JobStalled", rq_time(time.time()))
    assert run_jobs(QUEUE) == 1, "it runs again"


@pytest.mark.parametrize("part", ["wake", "reaper", "dedupe:key"])
def test_helpers_of_another_type_are_replaced(connection: redis.Redis, part: str) -> None:
    connection.hset(f"rq:ext:{QUEUE}:{part}", "a", "b")
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="key")
    assert run_jobs(QUEUE) == 1
    connection.delete(f"rq:ext:{QUEUE}:wake")
    connection.set(f"rq:ext:{QUEUE}:wake", "x")
    add_job(QUEUE, "greet", {"name": "Bob"})
    assert connection.type(f"rq:ext:{QUEUE}:wake") == b"list"


RUBBISH = ["inf", "-inf", "nan", "1e400", "-1e400", "x", "", "9" * 400, "0x10", "1.5", "\x00", '{"type": "fixed"}', "[]"]
FIELDS = ["priority", "attempts", "attempts_made", "stalled", "keep_completed", "keep_failed", "backoff", "timeout", "since", "created_at",
          "put_back", "dedupe", "owner", "progress", "cancel", "worker_name", "name", "origin", "status"]  # fmt: skip


@pytest.mark.parametrize("text", RUBBISH)
def test_no_text_in_a_field_of_a_job_loses_it_or_holds_up_the_queue(connection: redis.Redis, text: str) -> None:
    """Each field in turn, in each place where scripts read it: waiting, delayed, running, stalled, failed."""
    ids = []
    for field in FIELDS:
        for options in ({}, {"priority": 3}, {"delay": 0.001}, {"dedupe": f"d-{field}"}):
            job = add_job(QUEUE, "fail", {"name": field}, attempts=2, backoff=0.001, **options)
            connection.hset(keys.job(job.id), field, text)
            ids.append(job.id)
    claimer = Claimer(worker="w", lease_seconds=0)
    units, _ = claimer.claim(connection, [Room(queue=QUEUE, units=20)])
    assert len(units) == 20
    get_queue_stats(QUEUE)
    scripts.reap(connection, QUEUE, 1, "500:", "JobStalled: gone", "JobStalled", rq_time(time.time()))
    wait_until(lambda: run_jobs(QUEUE) == 0 and not connection.zcard(f"rq:scheduled:{QUEUE}"))
    for state in ("waiting", "active", "delayed", "completed", "failed"):
        get_jobs(QUEUE, state)
    ended = set(get_queue(QUEUE).job_ids("failed")) | set(get_queue(QUEUE).job_ids("completed"))
    assert set(ids) == ended
    get_queue(QUEUE).retry_failed()
    wait_until(lambda: run_jobs(QUEUE) == 0 and not connection.zcard(f"rq:scheduled:{QUEUE}"))
    assert get_queue_stats(QUEUE).waiting == 0


@pytest.mark.parametrize("text", RUBBISH)
def test_counters_and_turns_that_are_no_numbers_count_nothing(connection: redis.Redis, text: str) -> None:
    for field in ("completed", "failed", "retried", "stalled"):
        connection.hset(f"rq:ext:{QUEUE}:totals", field, text)
    connection.hset("rq:worker:run_jobs", mapping={"successful_job_count": text, "failed_job_count": text})
    for number in range(4):
        add_job(QUEUE, "mail", {"user_id": number % 2, "subject": "hello"})
        connection.hset(f"rq:ext:{QUEUE}:turns", mapping={"0": text, "0:0": text, "0:1": text, "list": text})
    add_job(QUEUE, "give-up", {"name": "Ann"})
    get_queue_stats(QUEUE)
    assert run_jobs(QUEUE) == 5


def test_members_that_are_no_jobs_are_dropped_wherever_they_stand(connection: redis.Redis) -> None:
    names = ["", "gone", "a:b", ":", "::", "\x00", "a" * 100_000, "wrong-type"]
    connection.set("rq:job:wrong-type", "rubbish")
    for name in names:
        connection.rpush(f"rq:queue:{QUEUE}", name)
        for key, score in ((f"rq:ext:{QUEUE}:prio", "-inf"), (f"rq:scheduled:{QUEUE}", "-inf"), (f"rq:ext:{QUEUE}:lease", 0)):
            connection.zadd(key, {name: score})
        connection.zadd(f"rq:failed:{QUEUE}", {name: "inf"})
    connection.zadd(f"rq:ext:{QUEUE}:prio", {"inf": "inf", "wide": 1e300})
    connection.zadd(f"rq:ext:{QUEUE}:lease", {"wrong-type:1-1-1": 0})
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=0.001)
    add_job(QUEUE, "greet", {"name": "Bob"}, priority=5)
    get_queue_stats(QUEUE)
    scripts.reap(connection, QUEUE, 1, "500:", "JobStalled: gone", "JobStalled", rq_time(time.time()))
    assert connection.zcard(f"rq:ext:{QUEUE}:lease") == 0
    wait_until(lambda: run_jobs(QUEUE) >= 0 and get_queue_stats(QUEUE).completed == 2)
    assert (get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).delayed) == (0, 0)
    get_queue(QUEUE).retry_failed()
    renew(connection, "w", [])


def test_an_owner_of_a_megabyte_is_served_and_kept_short(connection: redis.Redis) -> None:
    job = add_job(QUEUE, "mail", {"user_id": 1, "subject": "hello"}, delay=60)
    connection.hset(keys.job(job.id), "owner", "x" * 1_000_000)
    get_queue(QUEUE).promote(job.id)
    assert max(len(field) for field in connection.hkeys(f"rq:ext:{QUEUE}:turns")) < 1000
    assert run_jobs(QUEUE) == 1
    assert not connection.exists(f"rq:ext:{QUEUE}:turns")


def test_a_worker_process_names_its_broken_queue_once_and_serves_another(start_worker: StartWorker, connection: redis.Redis) -> None:
    plant(connection, f"rq:finished:{OTHER}")
    worker = start_worker(OTHER, QUEUE)
    add_job(QUEUE, "greet", {"name": "Ann"})
    wait_until(lambda: get_queue_stats(QUEUE).completed == 1)
    for _ in range(20):
        add_job(QUEUE, "greet", {"name": "Bob"})
    wait_until(lambda: get_queue_stats(QUEUE).completed == 21)
    worker.terminate()
    said, _ = worker.communicate(timeout=60)
    assert said.count(f"BROKEN rq:finished:{OTHER}") == 1, said


TRACES = [f"rq:wip:{QUEUE}", "rq:worker:w:executions", "rq:executions:JOB", "rq:worker:w", "rq:queues", "rq:workers", f"rq:workers:{QUEUE}"]


@pytest.mark.parametrize("key", TRACES)
def test_what_only_rqs_tools_read_stops_no_job_whatever_stands_there(connection: redis.Redis, key: str) -> None:
    for job_id in ("JOB", "next"):
        add_job(QUEUE, "greet", {"name": "Ann"}, job_id=job_id)
    plant(connection, key)
    add_job(QUEUE, "greet", {"name": "Bob"})
    units, _ = Claimer(worker="w", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=5)])
    claims = [replace(unit.claims[0], claimed_at=time.time() - 5) for unit in units]
    assert renew(connection, "w", claims) == []
    assert len(settle(connection, "w", [completed(claim, None) for claim in claims])) == 3
    assert get_queue_stats(QUEUE).counts() == {"waiting": 0, "active": 0, "completed": 3, "failed": 0, "delayed": 0}


STRANGERS = [b"rq:worker:string", b"rq:worker:no queues", b"rq:worker:\xff", b"\xff", b"rq:job:JOB", b""]


@pytest.mark.parametrize("member", STRANGERS)
def test_a_stranger_among_the_workers_hides_nothing(connection: redis.Redis, member: bytes) -> None:
    add_job(QUEUE, "greet", {"name": "Ann"}, job_id="JOB")
    connection.set("rq:worker:string", b"rub\xffbish")
    connection.hset("rq:worker:no queues", mapping={"paused": "1", "queues": ","})
    for key in ("rq:workers", *(f"rq:workers:{queue}" for queue in (QUEUE, OTHER))):
        connection.sadd(key, member)
    stats = get_all_queue_stats()
    assert (stats[QUEUE].waiting, stats[QUEUE].workers, len(stats)) == (1, 0, 3)
    assert get_workers() == get_workers(QUEUE) == list(read_server(connection, [QUEUE]).workers) == []
    get_queue(QUEUE).pause()


def test_a_broken_queue_hides_no_other(connection: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    enqueue_plainly(connection, OTHER)
    plant(connection, f"rq:finished:{QUEUE}")
    found = get_all_queue_stats()
    assert QUEUE not in found and found[OTHER].waiting == 1
    assert f"The queue {QUEUE} cannot be read: BROKEN rq:finished:{QUEUE}" in caplog.text
    diagnoses = list(examine(probe_seconds=0))
    assert [each.level for each in diagnoses if each.subject == QUEUE] == [Level.CRITICAL]
    assert {OTHER, "embeddings"} < {each.subject for each in diagnoses}
    out = io.StringIO()
    with pytest.raises(CommandError, match=f"BROKEN rq:finished:{QUEUE}"):
        call_command("queue_stats", stdout=out)
    assert OTHER in out.getvalue()
    with pytest.raises(RedisUnavailable, match=f"BROKEN rq:finished:{QUEUE}"):
        get_queue(QUEUE).clean(0)


def test_what_is_no_text_is_read_all_the_same(connection: redis.Redis) -> None:
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="key", job_id="JOB")
    connection.hset("rq:job:JOB", b"field\xff", b"\xff")
    assert add_job(QUEUE, "greet", {"name": "Bob"}, dedupe="key").id == "JOB"
    connection.rpush(f"rq:queue:{QUEUE}", b"\xff")
    connection.zadd(f"rq:ext:{QUEUE}:lease", {b"\xff:\xff": 1})
    for state, key in (("delayed", "scheduled"), ("completed", "finished"), ("failed", "failed")):
        connection.zadd(f"rq:{key}:{QUEUE}", {b"\xff": 1})
        assert get_jobs(QUEUE, state) == []
    assert [job.id for job in get_jobs(QUEUE, "waiting")] == ["JOB"]
    assert get_jobs(QUEUE, "active") == []
    with pytest.raises(JobNotFound):
        get_job("\udcff")
    connection.hset("rq:job:JOB", mapping={"status": "started", "worker_name": b"\xff"})
    assert get_queue(QUEUE).cancel("JOB") is State.ACTIVE


@pytest.mark.parametrize("priority", [0, 1])
def test_very_many_entries_without_a_job_are_dropped_call_by_call(connection: redis.Redis, priority: int) -> None:
    waiting = {0: f"rq:queue:{QUEUE}", 1: f"rq:ext:{QUEUE}:prio"}[priority]
    gone = [f"gone{number}" for number in range(2500)]
    if priority:
        connection.zadd(waiting, dict.fromkeys(gone, 1))
    else:
        connection.rpush(waiting, *gone)
    job = add_job(QUEUE, "greet", {"name": "behind them"}, priority=priority)
    claimer = Claimer(worker="w", lease_seconds=30)
    assert claimer.claim(connection, [Room(queue=QUEUE, units=1)]) == ([], 0.0)
    assert get_queue_stats(QUEUE).waiting == 1501
    assert run_jobs(QUEUE) == 1 and get_job(job.id).state is State.COMPLETED


def test_a_burst_works_through_entries_without_a_job(connection: redis.Redis, start_worker) -> None:
    connection.rpush(f"rq:queue:{QUEUE}", *[f"gone{number}" for number in range(2500)])
    job = add_job(QUEUE, "greet", {"name": "behind them"})
    assert start_worker(QUEUE, "--burst").wait(60) == 0
    assert get_job(job.id).state is State.COMPLETED
