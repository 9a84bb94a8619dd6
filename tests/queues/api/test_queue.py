"""GET /api/admin/queues/NAME."""

import pytest
from django.test import Client

from queues import pause_queue
from tests.processes import RedisServer, StartWorker, wait_until
from tests.queues.filling import Committed, fill_queue
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

URL = f"/api/admin/queues/{QUEUE}"


def test_a_queue_is_told_whole(program: Client, committed: Committed) -> None:
    fill_queue(committed)
    pause_queue(QUEUE)
    told = program.get(URL).json()
    assert {state: told[state] for state in ("waiting", "active", "completed", "failed", "delayed")} == {
        "waiting": 1,
        "active": 0,
        "completed": 1,
        "failed": 1,
        "delayed": 1,
    }
    assert (told["queue"], told["paused"], told["workers"]) == (QUEUE, True, [])
    assert 0 <= told["oldest_waiting_seconds"] < 60
    assert told["health"]["level"] == "warning" and told["health"]["healthy"]
    assert [finding["metric"] for finding in told["health"]["findings"]] == ["paused", "workers"]
    assert (told["slots"], told["busy_slots"], told["utilization"]) == (0, 0, None)
    assert told["totals"] == {"completed": 1, "failed": 1, "retried": 0, "stalled": 0}
    hour = told["last_hour"]
    assert (hour["completed"], hour["failed"], len(hour["minutes"])) == (1, 1, 60)
    assert sum(minute["completed"] for minute in hour["minutes"]) == 1
    for kind in ("run_seconds", "wait_seconds"):
        assert 0 <= hour[kind]["p50"] <= hour[kind]["p95"] <= hour[kind]["p99"] < 60


def test_what_never_ran_has_no_percentiles(program: Client) -> None:
    assert program.get(URL).json()["last_hour"]["run_seconds"] == {"p50": None, "p95": None, "p99": None}


def test_its_workers_are_told(program: Client, start_worker: StartWorker) -> None:
    start_worker(QUEUE, "--concurrency", "3")
    wait_until(lambda: program.get(URL).json()["slots"] == 3)  # it is registered before it says how many it runs at once
    told = program.get(URL).json()
    (worker,) = told["workers"]
    assert (worker["queues"], worker["is_paused"], told["slots"], told["utilization"]) == ([QUEUE], False, 3, 0)


def test_a_redis_that_hangs_is_503_within_two_seconds(program: Client, server: RedisServer, time_limit) -> None:
    assert program.get(URL).status_code == 200
    server.hang()
    for url in ("/api/admin/queues", URL, f"{URL}/jobs"):
        with time_limit(2):
            response = program.get(url)
        assert (response.status_code, response["Content-Type"], list(response.json())) == (503, "application/json", ["error"])
        assert "secret" not in response.content.decode()
        assert "no-store" in response["Cache-Control"]
