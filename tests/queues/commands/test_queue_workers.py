import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from queues import get_workers
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE


def queue_workers(*arguments: str) -> str:
    out = StringIO()
    call_command("queue_workers", *arguments, stdout=out)
    return out.getvalue()


def test_nobody_is_told_with_the_command_that_starts_one() -> None:
    assert queue_workers() == "No worker lives. Start one: manage.py rqworker\n"
    assert json.loads(queue_workers("--json")) == []


def test_workers_stand_in_a_table_and_one_or_all_of_a_queue_are_paused(start_worker: StartWorker) -> None:
    processes = [start_worker(QUEUE, "--name", name) for name in ("first", "second")]
    wait_until(lambda: [worker.state for worker in get_workers()] == ["idle", "idle"])
    header, first, second = queue_workers().splitlines()
    assert header.split() == ["worker", "host", "pid", "queues", "state", "running", "done", "failed", "heard"]
    assert first.split()[2:8] == [str(processes[0].pid), QUEUE, "idle", "0", "0", "0"]
    assert second.startswith("second ")

    assert queue_workers("--pause", "first") == "first: 1 worker paused\n"
    assert [worker.is_paused for worker in get_workers()] == [True, False]
    assert queue_workers().splitlines()[1].split()[4] == "paused"
    assert queue_workers("--resume", "first") == "first: 1 worker resumed\n"
    assert queue_workers("--pause", QUEUE) == f"{QUEUE}: 2 workers paused\n"
    assert [worker["paused"] for worker in json.loads(queue_workers("--json"))] == [[QUEUE], [QUEUE]]
    queue_workers("--resume", QUEUE)
    assert not any(worker.is_paused for worker in get_workers())


def test_an_unknown_worker_is_one_sentence() -> None:
    for option in ("--pause", "--resume"):
        with pytest.raises(CommandError, match="No worker is called 'nope'"):
            queue_workers(option, "nope")


def test_redis_away_is_one_sentence(settings) -> None:
    settings.RQ_QUEUES = {"mail": {"URL": "redis://127.0.0.1:1/0"}}
    with pytest.raises(CommandError, match="Redis did not answer"):
        queue_workers()


def test_what_a_stranger_wrote_of_a_worker_steers_no_terminal(connection) -> None:
    facts = {"hostname": "\x1b[2Jhost\nsecond", "queues": QUEUE, "state": "idle\x9b1m", "birth": "2030-01-01T00:00:00.000000Z"}
    connection.hset("rq:worker:w", mapping={**facts, "last_heartbeat": "2030-01-01T00:00:00.000000Z"})
    for key in ("rq:workers", f"rq:workers:{QUEUE}"):
        connection.sadd(key, "rq:worker:w")
    text = queue_workers()
    assert len(text.splitlines()) == 2 and "host second" in text
    assert text.replace("\n", "").isprintable()
