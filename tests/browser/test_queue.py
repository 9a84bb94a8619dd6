"""The page of a queue in a browser."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from queues import QueueStats, add_job, add_jobs, get_queue, get_queue_stats
from tests.browser.conftest import Login
from tests.browser.looks import CORNERS, check_every_look
from tests.queues.admin.dead import dead_jobs
from tests.testapp.jobs import QUEUE

URL = f"/admin/queues/queue/{QUEUE}/change/"


def job_rows(page: Page) -> list[str]:
    """The ids in the table, in its order."""
    return [text.strip() for text in page.locator(".job-id > :last-child").all_inner_texts()]


def test_one_filters_and_another_follows_the_address(page: Page, login: Login) -> None:
    login("view_queue")
    mine = add_job(QUEUE, "mail", {"user_id": 7, "subject": "hello"})
    add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(60)])
    page.goto(URL)
    page.get_by_label("Owner").fill("7")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    address = page.url
    assert "owner=7" in address
    page.goto("/admin/")
    page.goto(address)
    expect(page.get_by_label("Owner")).to_have_value("7")
    assert job_rows(page) == [mine.id]
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_text("1–50 of 61")).to_be_visible()  # noqa: RUF001


def test_rows_are_ticked_and_retried(page: Page, login: Login) -> None:
    login()
    ids = dead_jobs(60)[::-1]
    page.goto(f"{URL}?state=failed")
    expect(page.get_by_text("0 of 50 selected")).to_be_visible()
    for job_id in ids[:2]:
        page.get_by_label(f"Select job {job_id}").check()
    expect(page.get_by_text("2 of 50 selected")).to_be_visible()
    page.get_by_label("Action:").select_option("retry")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("2 jobs retried.")).to_be_visible()
    assert get_queue_stats(QUEUE) == QueueStats(waiting=2, failed=58)
    assert job_rows(page) == ids[2:52]


def test_all_five_thousand_that_match_are_retried(page: Page, login: Login) -> None:
    login()
    dead_jobs(5000)
    dead_jobs(7, name="fail")
    page.goto(f"{URL}?state=failed&name=greet")
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Select all that match").click()
    expect(page.get_by_text("All that match selected")).to_be_visible()
    page.get_by_label("Action:").select_option("retry")
    page.get_by_role("button", name="Go").click()
    page.get_by_role("button", name="Retry 5,000 jobs").click()
    expect(page.get_by_text("5,000 jobs retried.")).to_be_visible()
    assert get_queue_stats(QUEUE) == QueueStats(waiting=5000, failed=7)


def test_all_that_match_are_removed_without_javascript(
    page: Page, login: Login, new_context: Callable[..., object], live_server: object
) -> None:
    login()
    dead_jobs(60)
    plain = new_context(base_url=live_server.url, java_script_enabled=False)
    plain.add_cookies(page.context.cookies())
    other = plain.new_page()
    other.goto(f"{URL}?state=failed")
    other.locator(".queue-all").get_by_role("link", name="Remove").click()
    other.get_by_role("button", name="Remove 60 jobs").click()
    expect(other.get_by_text("60 jobs removed.")).to_be_visible()
    assert get_queue_stats(QUEUE) == QueueStats()


def test_one_pages_on_and_back_while_jobs_arrive(page: Page, login: Login) -> None:
    login("view_queue")
    ids = dead_jobs(120)[::-1]
    page.goto(f"{URL}?state=failed")
    assert job_rows(page) == ids[:50]
    dead_jobs(30)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_role("link", name="Previous")).to_be_visible()
    assert job_rows(page) == ids[50:100]
    dead_jobs(30)
    page.get_by_role("link", name="Previous").click()
    expect(page.get_by_text("61–110 of 180")).to_be_visible()  # noqa: RUF001
    assert job_rows(page) == ids[:50]


def test_rows_that_a_refresh_brings_are_counted_when_ticked(page: Page, login: Login) -> None:
    login()
    dead_jobs(3)
    page.goto(f"{URL}?state=failed")
    page.evaluate(
        """async () => {
            const text = await (await fetch(location.href)).text();
            const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("queue-jobs");
            document.getElementById("queue-jobs").replaceWith(fresh);
        }"""
    )
    page.locator(".action-select").first.check()
    expect(page.get_by_text("1 of 3 selected")).to_be_visible()


def test_cleaning_and_draining_are_confirmed(page: Page, login: Login) -> None:
    login("view_queue", "remove_job")
    dead_jobs(3)
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=60)
    add_job(QUEUE, "greet", {"name": "Bob"})
    page.goto(URL)
    page.get_by_role("link", name="Clean").click()
    page.get_by_label("Ended more than").fill("0")
    page.get_by_label("completed").uncheck()
    page.get_by_label("failed").check()
    page.get_by_role("button", name="Count them").click()
    page.get_by_role("button", name="Yes, remove 3 jobs").click()
    expect(page.get_by_text("3 jobs removed.")).to_be_visible()
    page.get_by_role("link", name="Drain").click()
    page.get_by_label("Also the 1 delayed job").check()
    page.get_by_role("button", name="Yes, remove them").click()
    expect(page.get_by_text("2 jobs removed.")).to_be_visible()
    assert get_queue_stats(QUEUE) == QueueStats()


def test_a_paused_one_a_second_page_a_vain_search_and_a_count_are_accessible_and_fit(page: Page, login: Login) -> None:
    login()
    oldest, *_ = dead_jobs(55)
    get_queue(QUEUE).pause()
    page.goto(f"{URL}?state=failed")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text(oldest)).to_be_visible()
    check_every_look(page, looks=CORNERS)
    for place in (f"{URL}?state=delayed&id=gone", f"/admin/queues/queue/{QUEUE}/clean/?age=0&unit=hours&states=failed"):
        page.goto(place)
        check_every_look(page, looks=CORNERS)
