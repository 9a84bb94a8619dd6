"""GET /health/live and /health/ready."""

import socket
import threading
from collections.abc import Iterator

import pytest
from django.db import connections
from django.test import Client

from queues import add_jobs
from queues.api import readiness
from tests.processes import RedisServer, wait_until
from tests.testapp.jobs import QUEUE

READY = {"database": "ok", "redis": "ok", "pgvector": "ok"}


@pytest.fixture
def database(db, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict]:
    """The facts by which new connections find the tests' database. A test may change them."""
    facts = connections.settings["default"]
    for name in ("HOST", "PORT", "NAME", "OPTIONS"):
        monkeypatch.setitem(facts, name, facts[name])
    yield facts
    wait_until(lambda: not asking())


def asking() -> list[str]:
    """Checks that run now."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ready-")]


def test_live_asks_nobody_anything(client: Client, settings) -> None:
    """pytest-django would refuse a query."""
    settings.RQ_QUEUES = {QUEUE: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "rq.serializers.JSONSerializer"}}
    response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})
    assert "no-store" in response["Cache-Control"]
    assert "Cookie" not in response.get("Vary", "")


def test_ready_asks_database_redis_and_pgvector(client: Client, database: dict) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "checks": READY})
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("url", ["/health/live", "/health/ready"])
def test_they_answer_head_and_refuse_what_is_no_get(client: Client, database: dict, url: str) -> None:
    response = client.head(url)
    assert (response.status_code, response.content) == (200, b"")
    assert {getattr(client, method)(url).status_code for method in ("post", "put", "delete")} == {405}
    assert client.post(url).json() == {"error": "Only GET is answered here."}


def test_a_long_queue_without_workers_is_no_reason_not_to_be_ready(client: Client, database: dict) -> None:
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(5000)])
    assert client.get("/health/ready").status_code == 200


def test_a_redis_that_hangs_is_named_within_two_seconds_and_forgotten_when_it_is_back(
    client: Client, database: dict, server: RedisServer, time_limit
) -> None:
    server.hang()
    with time_limit(2):
        response = client.get("/health/ready")
    assert (response.status_code, response.json()["checks"]) == (503, READY | {"redis": "does not answer"})
    server.go_on()
    assert client.get("/health/ready").status_code == 200


def test_a_database_that_is_away_is_named_and_nothing_secret_is_told(client: Client, database: dict, caplog) -> None:
    database.update(HOST="127.0.0.1", PORT="1", OPTIONS={}, NAME="geheim")
    response = client.get("/health/ready")
    away = "does not answer"
    assert (response.status_code, response.json()) == (
        503,
        {"status": "unavailable", "checks": {"database": away, "redis": "ok", "pgvector": away}},
    )
    assert "127.0.0.1" in caplog.text  # for whoever runs the site


def test_a_database_that_hangs_is_named_in_time_and_asked_only_once_however_often_a_balancer_asks(
    client: Client, database: dict, time_limit
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database.update(HOST="127.0.0.1", PORT=str(silent.getsockname()[1]), OPTIONS={})
        for _ in range(3):
            with time_limit(2):
                response = client.get("/health/ready")
            assert (response.status_code, response.json()["checks"]["database"]) == (503, "does not answer")
        assert sorted(asking()) == ["ready-database", "ready-pgvector"]


def test_a_database_that_is_back_is_seen_though_a_check_still_waits_for_the_answer_of_one_that_vanished(
    client: Client, database: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that lost its power says good-bye to nobody: who had asked it waits for a quarter of an hour."""
    monkeypatch.setattr(readiness, "SECONDS", 0.2)
    present = {name: database[name] for name in ("HOST", "PORT", "OPTIONS")}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database.update(HOST="127.0.0.1", PORT=str(silent.getsockname()[1]), OPTIONS={})
        assert client.get("/health/ready").status_code == 503
        database.update(present)
        assert client.get("/health/ready").status_code == 503, "for a while it is the same question"
        monkeypatch.setattr(readiness, "PATIENCE_SECONDS", 0)
        wait_until(lambda: client.get("/health/ready").json()["checks"] == READY)
        wait_until(lambda: sorted(asking()) == ["ready-database", "ready-pgvector"])


def test_a_database_without_pgvector_is_named(client: Client, database: dict) -> None:
    database.update(NAME="template1")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["checks"]) == (503, READY | {"pgvector": "the extension vector is missing"})


def test_checks_leave_no_connection_behind(client: Client, database: dict) -> None:
    def count() -> int:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
            return int(cursor.fetchone()[0])

    before = count()
    for _ in range(10):
        assert client.get("/health/ready").status_code == 200
    wait_until(lambda: count() <= before)
