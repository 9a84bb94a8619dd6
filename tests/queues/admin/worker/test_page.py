"""The pages of the workers, by requests."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from redis import Redis

from queues import UnknownWorker, add_jobs, get_workers, stop_worker
from queues.admin import WorkerAdmin
from queues.models import Worker
from queues.store.fleet import MOST_RUNS
from queues.worker import memory
from queues.worker.claimer import Claimer, Room
from tests.queues.accounts import make_user
from tests.queues.filling import Committed
from tests.queues.listening import wait_until_heard
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

URL = "/admin/queues/worker/"
HOSTILE = "<script>alert(1)</script>/../_2F"


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue", "pause_queue"))
    return client


def plant(connection: Redis, name: str, **facts: str | int) -> None:
    """A worker as one announces itself."""
    heard = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    known = {"birth": heard, "last_heartbeat": heard, "queues": QUEUE, "hostname": "far", "pid": 7, "state": "idle"}
    connection.hset(f"rq:worker:{name}", mapping={**known, **facts})
    connection.sadd("rq:workers", f"rq:worker:{name}")
    connection.sadd(f"rq:workers:{QUEUE}", f"rq:worker:{name}")


def address(name: str, page: str = "change") -> str:
    from django.contrib.admin.utils import quote

    return reverse(f"admin:queues_worker_{page}", args=[quote(name)])


def test_the_list_says_what_each_worker_runs(operator: Client, connection: Redis, committed: Committed) -> None:
    plant(connection, "smith", successful_job_count=1234, failed_job_count=5, memory_bytes=80_000_000, peak_memory_bytes=90_000_000)
    with committed(execute=True):
        add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(5)])
    Claimer(worker="smith", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=5)])
    page = operator.get(URL).content.decode()
    assert "1 worker<" in page
    assert page.count("started <time") == 3
    assert "and 2 more" in page
    assert "busy" in page
    assert "1,234" in page
    assert "76.3\xa0MB, at most 85.8\xa0MB" in page
    assert operator.get(address("smith")).content.decode().count("started <time") == 5


def test_round_trips_do_not_grow_with_the_workers(operator: Client, connection: Redis, committed: Committed) -> None:
    for number in range(40):
        plant(connection, f"worker-{number}")
    with committed(execute=True):
        add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(200)])
    for number in range(40):
        Claimer(worker=f"worker-{number}", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=5)])
    with round_trips() as trips:
        page = operator.get(URL).content.decode()
    assert page.count("started <time") == 120
    assert len(trips) <= 3, trips


def test_of_a_crowded_queue_the_list_says_that_it_does_not_show_all(operator: Client, connection: Redis) -> None:
    plant(connection, "smith")
    connection.zadd(f"rq:ext:{QUEUE}:lease", {f"job-{number}:x": time.time() + 60 for number in range(MOST_RUNS + 1)})
    assert f"More jobs of {QUEUE} run than were looked at" in operator.get(URL).content.decode()


def test_a_worker_without_a_heartbeat_for_two_leases_is_marked_in_words(operator: Client, connection: Redis, settings) -> None:
    heard = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 100))
    plant(connection, "smith", last_heartbeat=heard)
    assert "no heartbeat, idle" in operator.get(URL).content.decode()
    assert "has not been heard for two leases" in operator.get(address("smith")).content.decode()
    settings.QUEUES_LEASE_SECONDS = 60
    assert "no heartbeat" not in operator.get(URL).content.decode()


def test_what_workers_say_is_shown_and_not_run(operator: Client, connection: Redis) -> None:
    plant(connection, HOSTILE, hostname="<b>x</b>", state="<i>", queues=f"{QUEUE},<u>", last_heartbeat="yesterday", birth="2026-01-01")
    connection.zadd(f"rq:ext:{QUEUE}:lease", {b"\xff<s>:x": time.time() + 60, "job-1:x": time.time() + 60})
    connection.set("rq:job:job-1", "rubbish")
    connection.set("rq:worker:string", "rubbish")
    connection.sadd("rq:workers", "rq:worker:string", b"\xff")
    for page in (URL, address(HOSTILE), address(HOSTILE, "stop")):
        text = operator.get(page).content.decode()
        assert "&lt;b&gt;x&lt;/b&gt;" in text
        assert not any(tag in text for tag in ("<script>alert", "<b>x", "<i>", "<u>", "<s>"))


@pytest.mark.parametrize("page", ["change", "stop"])
def test_a_worker_that_is_gone_is_a_friendly_404(operator: Client, page: str) -> None:
    response = operator.get(address("smith", page))
    assert response.status_code == 404
    assert "No worker is called smith: it has ended" in response.content.decode()


def test_actions_need_the_permission_and_a_post_and_leave_a_row_in_the_log(client: Client, connection: Redis) -> None:
    plant(connection, "smith")
    client.force_login(make_user("view_queue", "change_queue"))
    assert "Pause" not in client.get(URL).content.decode()
    for page in ("pause", "resume", "stop"):
        assert client.post(address("smith", page)).status_code == 403
    assert client.get(address("smith", "stop")).status_code == 403
    client.force_login(make_user("view_queue", "pause_queue"))
    assert client.get(address("smith", "pause")).status_code == 405
    assert client.post(address("smith", "pause")).status_code == 302
    assert get_workers()[0].is_paused
    assert client.post(address("smith", "resume"), {"next": "https://elsewhere.example/"}).headers["Location"] == URL
    assert not get_workers()[0].is_paused
    client.post(address("smith", "stop"))
    rows = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
    assert list(rows) == [
        ("smith", "Paused the worker."),
        ("smith", "Resumed the worker."),
        ("smith", "Asked the worker to stop; it did not hear."),
    ]


def test_a_worker_with_the_name_of_a_queue_is_paused_alone(operator: Client, connection: Redis) -> None:
    plant(connection, QUEUE)
    plant(connection, "smith")
    operator.post(address(QUEUE, "pause"))
    assert {worker.name: worker.is_paused for worker in get_workers()} == {QUEUE: True, "smith": False}


def test_every_page_refuses_staff_without_the_permission(client: Client) -> None:
    client.force_login(make_user())
    for pattern in WorkerAdmin(Worker, admin.site).get_urls():
        url = reverse(f"admin:{pattern.name}", kwargs=dict.fromkeys(pattern.pattern.converters, "smith"))
        assert client.get(url).status_code == client.post(url).status_code == 403, url


def test_redis_away_is_a_page_that_says_so(operator: Client, settings) -> None:
    settings.RQ_QUEUES = {"one": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}
    assert operator.get(URL).status_code == operator.post(address("smith", "pause")).status_code == 503


def test_stopping_an_unknown_worker_says_so() -> None:
    with pytest.raises(UnknownWorker):
        stop_worker("smith")


def test_a_worker_tells_its_memory(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    facts = memory.facts()
    assert facts["memory_bytes"] > 1 << 20
    assert 1 << 20 < facts["peak_memory_bytes"] < 1 << 40
    monkeypatch.setattr(memory, "STATM", tmp_path / "absent")
    assert set(memory.facts()) == {"peak_memory_bytes"}


def test_a_stopped_queue_is_that_of_all_its_workers(connection: Redis, start_worker: Callable) -> None:
    processes = [start_worker(QUEUE), start_worker(QUEUE)]
    wait_until_heard(connection, workers=2)
    assert stop_worker(QUEUE) == 2
    assert [process.wait(60) for process in processes] == [0, 0]
