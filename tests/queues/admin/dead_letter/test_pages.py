"""The pages of the dead letters."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
import redis
from django.test import Client

from queues import get_queue_stats
from tests.queues.admin.dead_letter.conftest import FAILS, FAR, URL, die, found
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

AWAY = {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}


def rows(page: str) -> list[str]:
    """Each row's header, in order."""
    return [" ".join(re.sub(r"<[^>]+>", " ", unescape(row)).split()) for row in re.findall(r'<th scope="row">(.*?)</th>', page, re.S)]


def test_reading_writes_nothing(operator: Client, connection: redis.Redis, dead: None) -> None:
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    operator.get(URL)
    operator.get(f"{URL}retry/confirm/", FAILS)
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before


def test_planted_texts_are_shown_and_not_run(operator: Client, connection: redis.Redis) -> None:
    hostile = "<script>alert(1)</script>"
    connection.hset("rq:job:planted", mapping={"status": "failed", "origin": QUEUE, "name": hostile, "error_class": f"{hostile}:&'"})
    connection.zadd(f"rq:failed:{QUEUE}", {"planted": time.time() + FAR, "no such job": 1, "not:a:job": 2})
    page = operator.get(URL).content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2
    assert "<script>alert" not in operator.get(f"{URL}retry/confirm/", {"name": hostile, "error_class": hostile}).content.decode()


def test_the_page_sorts_and_filters_by_its_address(operator: Client, committed: Committed, dead: None) -> None:
    die(committed, ("give-up", 1))
    assert rows(operator.get(URL).content.decode()) == ["NonRetryable give-up", "ValueError fail"]
    assert rows(operator.get(URL, {"sort": "kept"}).content.decode()) == ["ValueError fail", "NonRetryable give-up"]
    assert rows(operator.get(URL, {"sort": "rubbish"}).content.decode()) == ["NonRetryable give-up", "ValueError fail"]
    assert rows(operator.get(URL, {"name": "fail"}).content.decode()) == ["ValueError fail"]
    assert rows(operator.get(URL, {"error_class": "NonRetryable"}).content.decode()) == ["NonRetryable give-up"]
    assert rows(operator.get(URL, {"queue": "embeddings"}).content.decode()) == []
    assert operator.get(URL, {"queue": "nowhere"}).status_code == 404


def test_a_group_that_is_gone_is_a_friendly_404(operator: Client, dead: None) -> None:
    response = operator.get(f"{URL}remove/confirm/", {"name": "fail", "error_class": "KeyError"})
    assert response.status_code == 404
    assert "No dead letter of fail with KeyError is kept any more." in response.content.decode()


def test_jobs_that_plain_rq_left_without_a_name_are_a_group_of_their_own(operator: Client, connection: redis.Redis, dead: None) -> None:
    for number in range(2):
        connection.hset(f"rq:job:plain{number}", mapping={"status": "failed", "origin": QUEUE})
        connection.zadd(f"rq:failed:{QUEUE}", {f"plain{number}": time.time() + number})
    assert found()["", ""].kept == 2
    assert "2 dead letters of an unknown error in unnamed jobs" in operator.get(f"{URL}remove/confirm/").content.decode()
    operator.post(f"{URL}remove/", {"expected": "2"})
    assert not connection.exists("rq:job:plain0", "rq:job:plain1")
    assert get_queue_stats(QUEUE).failed == 4


def test_redis_away_is_a_page_that_says_so_within_two_seconds(operator: Client, settings) -> None:
    settings.RQ_QUEUES = {"one": AWAY, "two": AWAY}
    start = time.monotonic()
    response = operator.get(URL)
    assert response.status_code == 503
    assert time.monotonic() - start < 2


def test_one_redis_away_hides_no_queue_of_another(operator: Client, dead: None, settings) -> None:
    settings.RQ_QUEUES = {"away": AWAY, **settings.RQ_QUEUES}
    page = operator.get(URL).content.decode()
    assert "ValueError fail" in rows(page)
    assert "away is missing here" in page


def test_a_queue_that_cannot_be_read_is_named_and_not_said_to_have_none(operator: Client, connection: redis.Redis) -> None:
    connection.set(f"rq:failed:{QUEUE}", "rubbish")
    page = operator.get(URL).content.decode()
    assert f"{QUEUE} is missing here" in page and f"BROKEN rq:failed:{QUEUE}" in page
    assert "No dead letters in what could be read." in page and "nothing is kept as failed" not in page


def test_the_log_of_the_admin_leads_back_to_the_group(operator: Client, dead: None) -> None:
    response = operator.get(f"{URL}ValueError_3Afail/change/")
    assert response.status_code == 302
    assert response["Location"] == f"{URL}?error_class=ValueError&name=fail"
