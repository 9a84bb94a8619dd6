import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from queues.address import describe
from queues.admin import QueueAdmin, ScheduleAdmin
from queues.models import Queue, Schedule
from queues.store import keys
from queues.store.queue import get_queue, queue_names
from queues.worker import ConcurrentWorker
from tests.queues.accounts import make_user
from tests.queues.filling import Committed, fill_queue
from tests.testapp.jobs import QUEUE, greet

pytestmark = pytest.mark.django_db

URL = "/admin/queues/queue/"
NOTHING = "\N{EN DASH}"
AWAY = {"URL": "redis://:secret@127.0.0.1:1/0", "SERIALIZER": "json"}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue"))
    return client


@pytest.fixture
def worker() -> Iterator[ConcurrentWorker]:
    """A worker of the test's queue that has announced itself."""
    from django_rq import get_queue as get_rq_queue

    queue = get_rq_queue(QUEUE)
    worker = ConcurrentWorker([queue], connection=queue.connection, name="<b>worker</b>")
    worker.register_birth()
    yield worker
    worker.register_death()
    worker.connection.close()


def cells(page: str, row: str) -> list[str]:
    """The texts of one row of a table, by the text of its header."""
    for head, body in re.findall(r'<tr>\s*<th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', page, re.S):
        if text_of(head).removesuffix(" paused") == row:
            return [text_of(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", body, re.S)]
    raise AssertionError(f"no row {row!r}")


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.replace("&nbsp;", " ")).split()).replace(" ,", ",")


def test_each_queue_shows_its_numbers(operator: Client, committed: Committed) -> None:
    fill_queue(committed)
    failed, waiting, active, delayed, completed, oldest, workers, health, hour = cells(operator.get(URL).content.decode(), QUEUE)
    assert (failed, waiting, active, delayed, completed, workers) == ("1", "1", "0", "1", "1", "0")
    assert re.fullmatch(r"\d s", oldest)
    assert health == "critical no worker"
    assert hour == f"{QUEUE}, last hour by minute: 1 completed, 1 failed 1 done, 1 failed"
    empty = cells(operator.get(URL).content.decode(), "email-sync")
    assert empty[:8] == ["0", "0", "0", "0", "0", NOTHING, "0", "warning no worker"]


def test_large_numbers_are_exact_and_in_groups(operator: Client, connection) -> None:
    connection.hset(keys.minute(QUEUE, int(connection.time()[0] // 60)), mapping={"completed": 12345678901, "failed": 1002003})
    assert cells(operator.get(URL).content.decode(), QUEUE)[-1].endswith("12,345,678,901 done, 1,002,003 failed")


def test_what_ended_more_than_an_hour_ago_is_not_counted_and_rubbish_counts_nothing(operator: Client, connection) -> None:
    now = connection.time()[0] // 60
    connection.hset(keys.minute(QUEUE, now - 60), "completed", 5)
    connection.hset(keys.minute(QUEUE, now - 58), "completed", 7)
    connection.hset(keys.minute(QUEUE, now - 30), "completed", "rubbish")
    connection.set(keys.minute(QUEUE, now - 20), "no hash")
    assert cells(operator.get(URL).content.decode(), QUEUE)[-1].endswith("7 done, 0 failed")


def test_busy_slots_are_told_of_all_that_the_fleet_has(operator: Client, worker: ConcurrentWorker, connection) -> None:
    connection.hset(keys.worker(worker.name), f"slots:{QUEUE}", 4)
    connection.zadd(keys.leases(QUEUE), {f"job-{number}:execution-{number}-0": 2e9 for number in range(3)})
    assert cells(operator.get(URL).content.decode(), QUEUE)[6] == "1 3 of 4 busy, 75 %"


def test_a_queue_without_a_worker_says_how_to_start_one(operator: Client, worker: ConcurrentWorker) -> None:
    page = operator.get(URL).content.decode()
    assert "python manage.py rqworker embeddings" in page
    assert f"python manage.py rqworker {QUEUE}" not in page


def test_a_worker_shows_what_it_is_and_when_it_was_last_heard(operator: Client, worker: ConcurrentWorker) -> None:
    page = operator.get(URL).content.decode()
    host, process, queues, _, running, completed, failed, heard = cells(page, "&lt;b&gt;worker&lt;/b&gt;")
    assert (host, process, queues) == (worker.hostname, str(worker.pid), QUEUE)
    assert (running, completed, failed) == ("0", "0", "0")
    assert re.fullmatch(r"\d+ seconds? ago", heard)
    assert cells(page, QUEUE)[6:8] == ["1 0 of 1 busy, 0 %", "healthy"]


def test_of_many_workers_the_first_fifty_are_shown(operator: Client, connection) -> None:
    for number in range(1234):
        connection.sadd("rq:workers", keys.worker(f"worker-{number:04}"))
        connection.hset(keys.worker(f"worker-{number:04}"), mapping={"birth": "2026-01-01T00:00:00.000000Z", "queues": QUEUE})
    page = operator.get(URL).content.decode()
    assert "The first 50 of 1,234." in page
    assert "worker-0049" in page
    assert "worker-0050" not in page


def test_a_paused_queue_and_many_failures_are_said_in_words(operator: Client, worker: ConcurrentWorker, connection) -> None:
    connection.hset(f"rq:ext:{QUEUE}:state", "paused", "1")
    connection.zadd(f"rq:failed:{QUEUE}", {str(number): number for number in range(101)})
    assert cells(operator.get(URL).content.decode(), QUEUE)[7] == "critical many failed, paused"


def test_leases_that_outlived_their_workers_are_told(operator: Client, worker: ConcurrentWorker, connection) -> None:
    for number in range(120):  # more than five times what a worker's slot can run in batches
        connection.hset(keys.job(f"job-{number}"), "started_at", "2020-01-01T00:00:00.000000Z")
        connection.zadd(keys.leases(QUEUE), {f"job-{number}:execution-{number}-0": 2e9})
    assert cells(operator.get(URL).content.decode(), QUEUE)[7] == "critical workers lost"


def test_redis_shows_where_it_is_its_version_its_memory_and_its_latency(operator: Client, connection) -> None:
    info = connection.info()
    (where,) = {describe(get_queue(name).config) for name in queue_names()}
    version, memory, latency, queues, notes = cells(operator.get(URL).content.decode(), where)
    assert version == info["redis_version"]
    assert re.fullmatch(r"[\d.]+\sMB", memory)
    assert re.fullmatch(r"\d+\.\d ms", latency)
    assert queues.split(", ") == queue_names()
    assert notes == ""


def test_a_redis_that_may_drop_jobs_is_warned_of(operator: Client, connection) -> None:
    before = connection.config_get("maxmemory-policy")["maxmemory-policy"]
    connection.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "it drops jobs without a word (maxmemory-policy allkeys-lru)" in operator.get(URL).content.decode()
    finally:
        connection.config_set("maxmemory-policy", before)


def test_redis_away_is_a_page_that_says_so_within_a_second(operator: Client, settings) -> None:
    settings.RQ_QUEUES = {"one": AWAY, "two": AWAY, "three": AWAY}
    start = time.monotonic()
    response = operator.get(URL)
    page = response.content.decode()
    assert time.monotonic() - start < 1
    assert response.status_code == 503
    assert "The Redis of the queues one, two, three at redis://127.0.0.1:1/0: Redis did not answer" in page
    assert "secret" not in page
    assert cells(page, "two")[-2:] == ["critical no answer from Redis", NOTHING]
    assert cells(page, "redis://127.0.0.1:1/0") == [NOTHING, NOTHING, NOTHING, "one, two, three", "no answer"]


def test_several_servers_that_accept_and_never_answer_cost_the_time_of_one(operator: Client, settings) -> None:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(6)]
        urls = [f"redis://127.0.0.1:{each.getsockname()[1]}/0" for each in sockets]
        settings.RQ_QUEUES = {f"queue-{number}": {"URL": url, "SERIALIZER": "json"} for number, url in enumerate(urls)}
        start = time.monotonic()
        assert operator.get(URL).status_code == 503
        assert time.monotonic() - start < 2


def test_one_redis_away_hides_no_queue_of_another(operator: Client, committed: Committed, settings) -> None:
    settings.RQ_QUEUES = {"away": AWAY, QUEUE: settings.RQ_QUEUES[QUEUE]}
    with committed(execute=True):
        greet.enqueue(name="Ann")
    response = operator.get(URL)
    assert response.status_code == 200
    assert cells(response.content.decode(), QUEUE)[1] == "1"
    assert cells(response.content.decode(), "away")[-2] == "critical no answer from Redis"


def test_a_queue_whose_key_a_stranger_took_hides_no_other(operator: Client, connection) -> None:
    connection.set(keys.failed("embeddings"), "no sorted set")
    response = operator.get(URL)
    assert response.status_code == 200
    page = response.content.decode()
    assert "is a string where a zset belongs: delete it" in cells(page, "embeddings")[-2]
    assert cells(page, QUEUE)[0] == "0"


def test_what_strangers_left_in_the_place_of_workers_and_schedules_counts_as_nothing(
    operator: Client, worker: ConcurrentWorker, connection
) -> None:
    connection.sadd("rq:workers", b"\xff\xfe", "rq:worker:rubbish", "rq:worker:gone")
    connection.set("rq:worker:rubbish", "no hash")
    connection.set(keys.schedule("clean-queues"), "no hash")
    page = operator.get(URL).content.decode()
    assert cells(page, QUEUE)[6] == "1 0 of 1 busy, 0 %"
    assert cells(page, "clean-queues")[2] == "never"
    connection.delete("rq:workers")
    connection.set("rq:workers", "no set")
    assert "No worker." in operator.get(URL).content.decode()
    connection.delete("rq:workers")


def test_hostile_names_are_shown_and_not_run(operator: Client, settings, connection) -> None:
    name = '"><script>alert(1)</script>'
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, name: settings.RQ_QUEUES[QUEUE]}
    connection.sadd("rq:workers", f"rq:worker:{name}")
    connection.hset(f"rq:worker:{name}", mapping={"birth": "2026-01-01T00:00:00Z", "hostname": name, "queues": name, "state": name})
    page = operator.get(URL).content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 5


def test_every_page_refuses_staff_without_the_permission(client: Client) -> None:
    client.force_login(make_user())
    for page in (QueueAdmin(Queue, admin.site), ScheduleAdmin(Schedule, admin.site)):
        patterns = page.get_urls()
        assert patterns
        for pattern in patterns:
            url = reverse(f"admin:{pattern.name}", kwargs=dict.fromkeys(pattern.pattern.converters, QUEUE))
            assert client.get(url).status_code == 403, url
            assert client.post(url).status_code == 403, url


def test_anonymous_visitors_and_users_who_are_no_staff_are_sent_to_the_login(client: Client) -> None:
    assert client.get(URL).status_code == 302
    client.force_login(make_user("view_queue", is_staff=False))
    assert client.get(URL).status_code == 302


def test_the_page_only_reads(operator: Client, committed: Committed, connection) -> None:
    with committed(execute=True):
        greet.enqueue(name="Ann")
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    operator.get(URL)
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before
    assert operator.post(URL).status_code == 405


def test_the_admin_index_links_to_it_for_those_who_may_see_it(client: Client) -> None:
    client.force_login(make_user())
    assert URL not in client.get("/admin/").content.decode()
    client.force_login(make_user("view_queue"))
    assert URL in client.get("/admin/").content.decode()


def test_the_page_holds_no_inline_script_or_style(operator: Client, worker: ConcurrentWorker) -> None:
    page = operator.get(URL).content.decode()
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", page)


def test_the_tables_have_captions_and_scoped_headers(operator: Client, worker: ConcurrentWorker) -> None:
    main = operator.get(URL).content.decode().split('id="content-main"')[1]
    assert main.count("<table") == main.count("<caption>") == 4
    assert not re.search(r"<th(?![^>]*scope=)[\s>]", main)


def test_the_model_without_a_table_answers_queries_with_nothing() -> None:
    assert list(Queue.objects.all()) == []
    assert not Queue.objects.exists()
