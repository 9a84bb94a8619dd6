"""The metrics of a queue, by requests."""

from __future__ import annotations

import re
import time

import pytest
from django.contrib.admin.utils import quote
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client
from redis import Redis

from queues import get_queue
from queues.admin.queue.metrics_report import NameOrder, Report, Window, name_rows, read_report
from queues.store import metrics
from tests.clock import HOUR, stay_in_one
from tests.queues.accounts import make_user
from tests.queues.roundtrips import round_trips
from tests.queues.store.counting import plant_day
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

URL = f"/admin/queues/queue/{QUEUE}/metrics/"


def first_names(page: str) -> list[str]:
    return re.findall(r'<th scope="row">([a-z-]+)</th>', page.split('id="queue-names"')[1])


@pytest.mark.parametrize("window", ["60m", "24h"])
def test_a_page_takes_at_most_two_round_trips(viewer: Client, connection: Redis, window: str) -> None:
    plant_day(connection, QUEUE)
    with round_trips() as trips:
        response = viewer.get(URL, {"window": window})
    assert response.status_code == 200
    assert 0 < len(trips) <= 2


def test_the_window_and_the_order_are_in_the_url(viewer: Client, connection: Redis) -> None:
    plant_day(connection, QUEUE)
    page = viewer.get(URL).content.decode()
    assert "Jobs ended by the minute" in page
    assert first_names(page) == ["greet", "import"]
    page = viewer.get(URL, {"window": "24h", "sort": "slowest"}).content.decode()
    assert "Jobs ended by the hour" in page
    assert first_names(page) == ["import", "greet"]
    assert viewer.get(URL, {"window": "<script>", "sort": "\x00"}).content.decode().count("Jobs ended by the minute") > 0


def test_names_are_sorted_by_what_an_operator_looks_for(connection: Redis) -> None:
    stay_in_one(HOUR)
    hour = int(time.time() // 3600)
    connection.hset(f"rq:ext:{QUEUE}:hour:{hour}", mapping={"completed:a": 90, "failed:a": 10, "run10:a": 100, "wait20:a": 100})
    connection.hset(f"rq:ext:{QUEUE}:hour:{hour - 23}", mapping={"completed:b": 1, "failed:b": 1, "run20:b": 2, "wait2:b": 2})
    connection.hset(f"rq:ext:{QUEUE}:hour:{hour - 24}", mapping={"completed:old": 1})
    hours = metrics.hours(connection, QUEUE, 24)
    orders = {order: [row.name for row in name_rows(hours, order)] for order in NameOrder}
    assert orders == {
        NameOrder.BUSIEST: ["a", "b"],
        NameOrder.FAILING: ["b", "a"],
        NameOrder.SLOWEST: ["b", "a"],
        NameOrder.WAITING: ["a", "b"],
    }
    assert [row.failure_percent for row in name_rows(hours)] == [10, 50]


def test_the_percentiles_of_a_window_are_those_of_all_its_spans_together(connection: Redis) -> None:
    minute = int(time.time() // 60)
    connection.hset(f"rq:ext:{QUEUE}:minute:{minute}", mapping={"run0": 99})
    connection.hset(f"rq:ext:{QUEUE}:minute:{minute - 30}", mapping={"run40": 1})
    report, _ = read_report(get_queue(QUEUE), Window.HOUR, NameOrder.BUSIEST)
    assert report.run.p50 is not None
    assert report.run.p50 < 0.001
    assert report.run.p99 == pytest.approx(0.001)
    assert report.total.run.quantile(1) == metrics.bucket_seconds(40)
    assert report.wait.p50 is None


def test_an_hour_without_any_job_says_so() -> None:
    report = Report(queue=QUEUE, window=Window.HOUR, spans=[])
    page = render_to_string("admin/queues/queue/metrics.html", {"report": report})
    assert "Nothing ended in this time." in page
    assert "<svg" not in page


def test_names_of_jobs_are_escaped_and_no_style_or_script_is_inline(viewer: Client, connection: Redis) -> None:
    hour = int(time.time() // 3600)
    connection.hset(f"rq:ext:{QUEUE}:hour:{hour}", mapping={"completed:<script>x</script>": 3, "completed:": 2, "run99:y": 1, "run:z": "x"})
    page = viewer.get(URL, {"window": "24h"}).content.decode()
    assert "&lt;script&gt;x" in page
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=", page)


def test_an_unknown_queue_is_a_friendly_404_and_a_redis_away_a_503(viewer: Client, settings) -> None:
    assert viewer.get(f"/admin/queues/queue/{quote('<b>/x')}/metrics/").status_code == 404
    settings.RQ_QUEUES = {QUEUE: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}
    assert viewer.get(URL).status_code == 503


def test_staff_without_the_permission_see_no_metrics(client: Client) -> None:
    client.force_login(make_user("pause_queue"))
    assert client.get(URL).status_code == 403


def test_a_sparkline_tells_its_numbers_in_words() -> None:
    template = Template("{% load queue_charts %}{% sparkline completed failed label %}")
    drawn = template.render(Context({"completed": [0, 4, 2], "failed": [0, 0, 1], "label": "<emails>, last hour"}))
    assert "&lt;emails&gt;, last hour: 6 completed, 1 failed" in drawn
    assert 'points="0.0,22.0 60.0,2.0 120.0,12.0"' in drawn
    assert 'd="M120.0,22V17.0"' in drawn
    assert "nothing ended in this time" in template.render(Context({"completed": [0] * 60, "failed": [0] * 60, "label": "x"}))
    assert "nothing ended in this time" in template.render(Context({"completed": [], "failed": [], "label": "x"}))
