"""From the first page to a failed job's traceback and its retry: four clicks."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from queues import add_job, get_queue
from queues.testing import run_jobs
from tests.browser.conftest import Login
from tests.testapp.jobs import QUEUE


def test_the_traceback_is_three_clicks_away_and_the_retry_one_more(page: Page, login: Login) -> None:
    login()
    job = add_job(QUEUE, "fail", {"name": "Ann"}, attempts=1)
    run_jobs(QUEUE)
    page.goto("/admin/queues/queue/")
    page.get_by_role("link", name=f"{QUEUE}: 1 failed").click()
    page.get_by_role("link", name=job.id).click()
    page.locator(".job-traceback summary").first.click()
    expect(page.locator(".job-traceback pre").first).to_contain_text("Traceback")
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator("#job-badge")).to_have_text("waiting")
    assert get_queue(QUEUE).stats().waiting == 1
