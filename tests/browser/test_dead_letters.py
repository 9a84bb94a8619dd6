"""Jobs are dead; an operator looks at what killed them, retries them, and is found in the audit."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from queues import add_jobs, get_queue_stats
from queues.testing import run_jobs
from tests.browser.conftest import Login
from tests.processes import StartWorker, wait_until
from tests.queues.accounts import make_user
from tests.testapp.jobs import QUEUE

URL = "/admin/queues/deadletter/"


def die(**groups: int) -> None:
    for name, count in groups.items():
        add_jobs(QUEUE, [(name.replace("_", "-"), {"name": f"n{number}"}) for number in range(count)], attempts=1)
    assert run_jobs(QUEUE) == sum(groups.values())


def test_a_group_is_found_retried_and_runs_again(page: Page, login: Login, start_worker: StartWorker) -> None:
    login("view_queue", "change_queue")
    die(fail=3, give_up=1)
    page.goto(URL)
    row = page.get_by_role("row", name="ValueError fail")
    assert row.get_by_role("cell").all_inner_texts()[:4] == ["3", "3", "3", "3"]
    row.get_by_role("link", name="Retry all of ValueError in fail").click()
    expect(page.get_by_text("3 dead letters of ValueError in fail will be put back to waiting")).to_be_visible()
    page.get_by_role("button", name="Retry 3 dead letters").click()
    expect(page.get_by_text("ValueError in fail: 3 of 3 retried.")).to_be_visible()
    assert get_queue_stats(QUEUE).waiting == 3
    row = page.get_by_role("row", name="ValueError fail")
    assert row.get_by_role("cell").all_inner_texts()[:4] == ["0", "3", "3", "3"]
    expect(page.get_by_role("row", name="NonRetryable give-up")).to_be_visible()

    retried_runs_fail_again = get_queue_stats(QUEUE).failed_total + 3
    start_worker(QUEUE)
    wait_until(lambda: get_queue_stats(QUEUE).failed_total == retried_runs_fail_again)
    page.reload()
    assert row.get_by_role("cell").all_inner_texts()[:4] == ["3", "6", "6", "6"]


def test_a_group_is_removed_for_good_and_a_filter_stays_in_the_address(page: Page, login: Login) -> None:
    login()
    die(fail=2, give_up=1)
    page.goto(URL)
    page.get_by_label("Error class").fill("NonRetryable")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row", name="ValueError fail")).to_have_count(0)
    assert "error_class=NonRetryable" in page.url
    page.get_by_role("link", name="Remove all of NonRetryable in give-up").click()
    page.get_by_role("button", name="Remove 1 dead letter").click()
    expect(page.get_by_text("NonRetryable in give-up: 1 of 1 removed.")).to_be_visible()
    assert get_queue_stats(QUEUE).failed == 2
    expect(page.get_by_role("row", name="ValueError fail")).to_be_visible()


def test_the_audit_shows_who_did_it(page: Page, login: Login) -> None:
    user = login("view_queue", "remove_job")
    other = make_user("view_queue")
    die(fail=2)
    page.goto(f"{URL}remove/confirm/?name=fail&error_class=ValueError")
    page.get_by_role("button", name="Remove 2 dead letters").click()
    page.get_by_role("navigation", name="Pages of the job system").get_by_role("link", name="Audit").click()
    row = page.get_by_role("row").filter(has_text="2 of 2 removed (ValueError in fail)")
    expect(row).to_contain_text(user.username)
    filters = page.get_by_role("navigation", name="Filter")
    filters.get_by_role("link", name=other.username, exact=True).click()
    expect(row).to_have_count(0)
    filters.get_by_role("link", name=user.username, exact=True).click()
    expect(row).to_have_count(1)
    row.get_by_role("link", name="ValueError:fail").click()
    expect(page.get_by_role("row", name="ValueError fail")).to_be_visible()


def test_a_viewer_is_offered_nothing_to_do(page: Page, login: Login) -> None:
    login("view_queue")
    page.goto(URL)
    expect(page.get_by_text("No dead letters: nothing is kept as failed")).to_be_visible()
    die(fail=1)
    page.goto(URL)
    expect(page.get_by_role("row", name="ValueError fail")).to_be_visible()
    expect(page.get_by_role("link", name="Retry")).to_have_count(0)
    expect(page.get_by_role("link", name="Remove")).to_have_count(0)
