"""The metrics of a queue in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from queues import add_jobs, get_queue
from tests.browser.conftest import Login
from tests.processes import StartWorker
from tests.testapp.jobs import QUEUE

URL = f"/admin/queues/queue/{QUEUE}/metrics/"


def test_an_operator_reads_rates_and_times_and_finds_the_job_that_fails(page: Page, login: Login, start_worker: StartWorker) -> None:
    login("view_queue")
    page.goto(URL)
    expect(page.get_by_text("Nothing ended in this time.")).to_have_count(3)
    expect(page.get_by_text("No job of this queue ended in the last 24 hours.")).to_be_visible()
    add_jobs(QUEUE, [("greet", {"name": "Ann"})] * 30)
    add_jobs(QUEUE, [("give-up", {"name": "Bob"})] * 2)
    start_worker(QUEUE, "--burst").wait(60)
    page.reload()
    chart = page.get_by_role("img", name="Jobs ended by the minute")
    expect(chart).to_have_accessible_description("The last 60 minutes: 30 completed, 2 failed, 0 retried.")
    page.get_by_text("Numbers").first.click()
    expect(page.locator("details[open] tbody tr")).to_contain_text("30")
    page.get_by_role("link", name="Most failing").click()
    worst = page.locator("#queue-names tbody tr").first
    expect(worst.get_by_role("rowheader")).to_have_text("give-up")
    expect(worst.get_by_role("cell").nth(0)).to_have_text("100 %")
    expect(worst.get_by_role("cell").nth(1)).to_have_text("2")
    page.get_by_role("link", name="24 hours").click()
    expect(page).to_have_url(re.compile(r"window=24h&sort=failing$"))
    expect(page.get_by_role("img", name="Jobs ended by the hour")).to_be_visible()


def test_a_redis_that_is_away_is_a_page_that_says_so(page: Page, login: Login, settings) -> None:
    login("view_queue")
    page.expected_faults.append("503")
    settings.RQ_QUEUES = {QUEUE: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}
    page.goto(URL)
    expect(page.get_by_text("Redis did not answer")).to_be_visible()
    assert get_queue(QUEUE)
