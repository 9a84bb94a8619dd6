import re
import time
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from queues.admin import QueueAdmin
from queues.models import Queue
from queues.worker import ConcurrentWorker
from tests.queues.accounts import make_user
from tests.queues.filling import Committed, fill_queue
from tests.testapp.jobs import QUEUE, greet

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.queues.urls")]

URL = "/admin/queues/queue/"
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
    found = re.search(rf'<tr>\s*<th scope="row"[^>]*>{re.escape(row)}</th>(.*?)</tr>', page, re.S)
    assert found, f"no row {row!r}"
    return [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1], re.S)]


def test_each_queue_shows_its_five_numbers(operator: Client, committed: Committed) -> None:
    fill_queue(committed)
    page = operator.get(URL).content.decode()
    assert cells(page, QUEUE) == ["1", "0", "1", "1", "1", "0", "no worker"]
    assert cells(page, "embeddings") == ["0", "0", "0", "0", "0", "0", "no worker"]


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
    assert cells(page, QUEUE)[-2:] == ["1", "healthy"]


def test_a_paused_queue_and_many_failures_are_said_in_words(operator: Client, worker: ConcurrentWorker, connection) -> None:
    connection.hset(f"rq:ext:{QUEUE}:state", "paused", "1")
    connection.zadd(f"rq:failed:{QUEUE}", {str(number): number for number in range(100)})
    assert cells(operator.get(URL).content.decode(), QUEUE)[-1] == "paused, many failed"


def test_redis_away_is_a_page_that_says_so_within_a_second(operator: Client, settings) -> None:
    settings.RQ_QUEUES = {"one": AWAY, "two": AWAY, "three": AWAY}
    start = time.monotonic()
    response = operator.get(URL)
    page = response.content.decode()
    assert time.monotonic() - start < 1
    assert response.status_code == 503
    assert "The Redis of the queues one, two, three at redis://127.0.0.1:1/0: Redis did not answer" in page
    assert "secret" not in page
    assert cells(page, "two")[-1] == "no answer from Redis"


def test_one_redis_away_hides_no_queue_of_another(operator: Client, committed: Committed, settings) -> None:
    settings.RQ_QUEUES = {"away": AWAY, QUEUE: settings.RQ_QUEUES[QUEUE]}
    with committed(execute=True):
        greet.enqueue(name="Ann")
    response = operator.get(URL)
    assert response.status_code == 200
    assert cells(response.content.decode(), QUEUE)[0] == "1"


def test_every_page_refuses_staff_without_the_permission(client: Client) -> None:
    client.force_login(make_user())
    patterns = QueueAdmin(Queue, admin.site).get_urls()
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
    assert main.count("<table") == main.count("<caption>") == 2
    assert not re.search(r"<th(?![^>]*scope=)[\s>]", main)


def test_the_model_without_a_table_answers_queries_with_nothing() -> None:
    assert list(Queue.objects.all()) == []
    assert not Queue.objects.exists()
