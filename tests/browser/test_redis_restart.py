"""A page that stays open while Redis is restarted says since when it is old, and becomes fresh again by itself."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from django.test import Client, override_settings
from playwright.sync_api import Locator, Page, expect

from queues import add_job, close_queues
from tests.browser.conftest import Login
from tests.browser.pages import every_page
from tests.browser.scene import Scene, prepare
from tests.processes import RedisServer
from tests.testapp.jobs import QUEUE

OVERVIEW = "/admin/queues/queue/"
WITHOUT_REDIS = {
    "queues_auditentry_changelist",
    "queues_auditentry_change",
    "queues_job_add",
    "queues_job_changelist",
    "queues_queue_clean",
}
"""What PostgreSQL alone answers, and forms that ask Redis only once they are sent."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test's own, for all queues of the live server, which runs in a thread of this process."""
    server = RedisServer(tmp_path / "redis")
    entry = {"URL": server.url, "SERIALIZER": "rq.serializers.JSONSerializer"}
    with override_settings(RQ_QUEUES=dict.fromkeys((QUEUE, "embeddings", "email-sync"), entry)):
        yield server
        close_queues()
    server.close()


def test_an_open_page_says_how_old_it_is_and_recovers_by_itself(page: Page, login: Login, server: RedisServer) -> None:
    page.expected_faults += ["503"]  # type: ignore[attr-defined]
    login()
    page.goto(OVERVIEW)
    page.get_by_label("Refresh").select_option("2")
    waiting = cell(page, "Waiting")
    expect(waiting).to_have_text("0")
    server.kill()
    said = page.get_by_role("status").filter(has_text=re.compile(r"not updated since \d\d:\d\d:\d\d", re.I))
    expect(said).to_be_visible(timeout=10_000)
    expect(waiting).to_have_text("0")
    server.start()
    add_job(QUEUE, "greet", {"name": "Ann"})
    expect(waiting).to_have_text("1", timeout=20_000)
    expect(said).to_have_count(0)


def test_a_page_that_was_opened_without_redis_comes_by_itself(page: Page, login: Login, server: RedisServer) -> None:
    page.expected_faults += ["503"]  # type: ignore[attr-defined]
    login()
    server.kill()
    response = page.goto(OVERVIEW)
    assert response is not None and response.status == 503
    expect(page.locator("#content")).to_contain_text("Redis did not answer")
    server.start()
    add_job(QUEUE, "greet", {"name": "Ann"})
    row = page.get_by_role("row", name=QUEUE).first
    expect(row).not_to_contain_text("no answer", timeout=40_000)
    expect(cell(page, "Waiting")).to_have_text("1", timeout=10_000)


def cell(page: Page, column: str) -> Locator:
    """Of the queue's row in the overview."""
    table = page.locator("table").filter(has_text=column).first
    row = table.get_by_role("row", name=QUEUE)
    expect(row).to_be_visible()
    headers = [text.strip() for text in table.locator("thead th").all_text_contents()]
    return row.get_by_role("cell").nth(headers.index(column) - 1)


@pytest.fixture
def scene(client: Client, server: RedisServer, login: Login) -> Scene:
    user = login()
    client.force_login(user)
    return prepare(redis.Redis.from_url(server.url), user)


@pytest.mark.parametrize("how", ["gone", "silent"])
def test_every_page_says_within_two_seconds_that_redis_is_away(client: Client, scene: Scene, server: RedisServer, how: str) -> None:
    """`silent`: it accepts connections and never answers."""
    pages = [each for each in every_page() if each.name.startswith("queues_") and each.name not in WITHOUT_REDIS]
    addresses = [each.addresses(scene)[0] for each in pages]
    server.kill() if how == "gone" else server.hang()
    faults = []
    for address in addresses:
        started = time.monotonic()
        response = client.get(address, follow=True)
        seconds = time.monotonic() - started
        if response.status_code != 503 or seconds > 2 or b"Redis" not in response.content:
            faults.append((address, response.status_code, round(seconds, 1)))
    server.go_on()
    assert addresses
    assert faults == []
