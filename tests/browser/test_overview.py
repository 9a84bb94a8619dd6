"""The overview in a browser."""

from __future__ import annotations

import re

from django.contrib.admin.models import LogEntry
from playwright.sync_api import Locator, Page, expect
from redis import Redis

from queues import add_job, add_jobs, get_queue, get_schedule, is_paused
from queues.jobs.registry import registry
from queues.store import keys
from tests.browser.conftest import Login
from tests.processes import StartWorker
from tests.testapp.jobs import QUEUE

OVERVIEW = "/admin/queues/queue/"
SCHEDULE = "/admin/queues/schedule/clean-queues/change/"
FAILED, WAITING, COMPLETED = 0, 1, 4


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def number(page: Page, column: int) -> Locator:
    return row(page, QUEUE).first.get_by_role("cell").nth(column)


def test_on_a_phone_the_name_the_failed_and_the_waiting_are_seen_without_scrolling(page: Page, login: Login) -> None:
    login()
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(OVERVIEW)
    for column in (FAILED, WAITING):
        box = number(page, column).bounding_box()
        assert box is not None and box["x"] + box["width"] <= 390


def test_the_numbers_move_while_a_worker_runs(page: Page, login: Login, start_worker: StartWorker) -> None:
    login("view_queue")
    add_jobs(QUEUE, [("greet", {"name": str(count)}) for count in range(7)] + [("give-up", {"name": "Bob"})])
    page.goto(OVERVIEW)
    page.get_by_label("Refresh").select_option("2")
    page.evaluate("window.isTheSamePage = true")
    expect(number(page, WAITING)).to_have_text("8")
    expect(page.get_by_text(f"python manage.py rqworker {QUEUE}")).to_be_visible()
    start_worker(QUEUE)
    expect(number(page, COMPLETED)).to_have_text("7", timeout=30_000)
    expect(number(page, FAILED)).to_have_text("1")
    expect(number(page, WAITING)).to_have_text("0")
    expect(page.get_by_text(f"python manage.py rqworker {QUEUE}")).to_have_count(0)
    expect(row(page, QUEUE).first.get_by_role("img")).to_have_accessible_name(f"{QUEUE}, last hour by minute: 7 completed, 1 failed")
    assert page.evaluate("window.isTheSamePage")


def test_a_queue_is_paused_and_resumed_by_a_click(page: Page, login: Login) -> None:
    login("view_queue", "pause_queue")
    page.goto(OVERVIEW)
    page.get_by_role("button", name=f"Pause {QUEUE}").click()
    expect(page.get_by_text(f"Paused: {QUEUE}. Running jobs finish")).to_be_visible()
    expect(row(page, QUEUE).first.get_by_role("rowheader")).to_contain_text("paused")
    assert is_paused(QUEUE)
    page.get_by_role("button", name=f"Resume {QUEUE}").click()
    expect(page.get_by_text(f"Resumed: {QUEUE}.")).to_be_visible()
    expect(row(page, QUEUE).first.get_by_role("rowheader")).not_to_contain_text("paused")
    assert not is_paused(QUEUE)
    assert list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True)) == ["Paused.", "Resumed."]


def test_a_button_works_after_its_region_was_refreshed(page: Page, login: Login) -> None:
    login("view_queue", "pause_queue")
    page.clock.install()
    page.goto(OVERVIEW)
    with page.expect_response(f"**{OVERVIEW}"):
        page.clock.run_for(5_000)
    add_job(QUEUE, "greet", {"name": "Ann"})
    with page.expect_response(f"**{OVERVIEW}"):
        page.clock.run_for(5_000)
    expect(number(page, WAITING)).to_have_text("1")
    page.get_by_role("button", name=f"Pause {QUEUE}").click()
    expect(page.get_by_text(f"Paused: {QUEUE}.")).to_be_visible()


def test_a_schedule_is_disabled_enabled_and_run_by_a_click(page: Page, login: Login) -> None:
    login("view_queue", "change_queue")
    page.goto(OVERVIEW)
    page.get_by_role("button", name="Disable clean-queues").click()
    expect(page).to_have_url(re.compile(f"{OVERVIEW}$"))
    expect(row(page, "clean-queues")).to_contain_text("disabled")
    page.get_by_role("link", name="clean-queues").click()
    expect(page.get_by_text("It never ran.")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("table", name="Past runs").get_by_role("cell", name="waiting")).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("button", name="Disable")).to_be_visible()
    schedule = get_schedule("clean-queues")
    assert not schedule.is_disabled
    assert [job.id for job in get_queue(registry.get("clean-queues").queue).jobs("waiting")] == [schedule.last_job_id]


def test_a_viewer_sees_no_button(page: Page, login: Login, connection: Redis) -> None:
    login("view_queue")
    connection.zadd(keys.failed(QUEUE), {str(count): count for count in range(12345)})
    page.goto(OVERVIEW)
    expect(number(page, FAILED)).to_have_text("12,345")
    expect(page.locator("#content-main").get_by_role("button")).to_have_count(0)
