"""The page of a job in a browser, and the forms that add one."""

from __future__ import annotations

import re

import redis
from django.contrib.staticfiles import finders
from playwright.sync_api import Locator, Page, expect

from queues import Job, add_job, get_job, get_queue
from queues.masking import MASK
from queues.store import keys, payloads
from tests.browser.conftest import Login
from tests.browser.looks import CORNERS, check_every_look
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE

IS_LIVE = finders.find("queues/live.js") is not None
HOSTILE = "</pre><script>alert('run')</script><img src=x onerror=alert(1)>"


def address(job: Job, page: str = "change") -> str:
    return f"/admin/queues/job/{job.id}/{page}/"


def becomes(page: Page, found: Locator, text: str) -> None:
    """The page moves by itself; without the live refresh it is loaded again."""

    def shows() -> bool:
        if not IS_LIVE:
            page.reload()
        return text in (found.text_content() or "")

    if IS_LIVE:
        expect(found).to_contain_text(text, timeout=20_000)
    else:
        wait_until(shows)


def fails(name: str = "fail-with-token", **payload: str) -> Job:
    """A job that is dead of its only attempt."""
    from queues.testing import run_jobs

    job = add_job(QUEUE, name, {"name": "Ann", "token": "hunter-2-token", **payload}, attempts=1)
    run_jobs(QUEUE)
    return job


def test_a_running_job_shows_progress_and_log_and_is_cancelled(page: Page, login: Login, start_worker: StartWorker) -> None:
    login("view_queue", "cancel_job")
    start_worker(QUEUE)
    job = add_job(QUEUE, "tell", {"steps": 200, "seconds": 0.2})
    page.goto(address(job))
    becomes(page, page.locator("#job-badge"), "active")
    becomes(page, page.locator("#job-log"), "step 1")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#job-timeline")).to_contain_text("Runs since")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".messagelist")).to_contain_text("its worker was told to stop it")
    becomes(page, page.locator("#job-badge"), "failed")
    becomes(page, page.locator("#job-state"), "JobCancelled")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_a_wrong_payload_is_told_beside_its_field_and_keeps_what_was_typed(page: Page, login: Login) -> None:
    login("view_queue", "add_job")
    page.goto(f"/admin/queues/job/add/?queue={QUEUE}")
    page.get_by_role("link", name="everything").click()
    page.get_by_label("count").fill("many")
    page.get_by_label("tags").fill('["a", ')
    page.get_by_role("button", name="Add the job").click()
    title, count, tags = (page.locator(".form-row", has=page.locator(f"[name=payload-{name}]")) for name in ("title", "count", "tags"))
    expect(title).to_contain_text("Field required")
    expect(count).to_contain_text("valid integer")
    expect(tags).to_contain_text("no JSON")
    expect(page.get_by_label("count")).to_have_value("many")
    expect(page.get_by_label("count")).to_have_accessible_description(re.compile("A whole number. Input should be a valid integer"))
    assert get_queue(QUEUE).stats().waiting == 0
    page.get_by_label("title").fill("A title")
    page.get_by_label("count").fill("9007199254740993")
    page.get_by_label("tags").fill('["a"]')
    page.get_by_label("color").select_option("blue")
    page.get_by_label("day").fill("2030-01-31")
    page.get_by_role("button", name="Add the job").click()
    expect(page.locator(".messagelist")).to_contain_text("is added")
    expect(page.locator("#job-badge")).to_have_text("waiting")
    (job,) = get_queue(QUEUE).jobs("waiting")
    assert (job.data["count"], job.data["color"], job.data["day"]) == (9007199254740993, "blue", "2030-01-31")


def test_a_dead_job_is_retried_with_a_changed_payload_and_its_secret_stays_hidden(page: Page, login: Login) -> None:
    login()
    dead = fails()
    page.goto(address(dead))
    expect(page.locator("#job-state")).to_contain_text(f"no luck with '{MASK}'")
    page.get_by_role("link", name="Retry with changed payload").click()
    expect(page.get_by_label("token")).to_have_value(MASK)
    page.get_by_label("name").fill("Bob")
    page.get_by_role("button", name="Add the job").click()
    expect(page.locator("#job-badge")).to_have_text("waiting")
    (added,) = get_queue(QUEUE).jobs("waiting")
    assert added.data == {"name": "Bob", "token": "hunter-2-token"}
    page.locator(".messagelist").get_by_role("link", name=dead.id).click()
    expect(page.locator("#job-badge")).to_have_text("failed")
    assert "hunter-2-token" not in page.content()


def test_a_second_click_while_the_first_is_on_its_way_sends_nothing(page: Page, login: Login) -> None:
    login()
    page.goto(f"/admin/queues/job/add/?queue={QUEUE}&name=greet")
    sent = page.get_by_role("button", name="Add the job").evaluate(
        """button => {
            let sent = 0;
            window.addEventListener("submit", event => {
                sent += event.defaultPrevented ? 0 : 1;
                event.preventDefault();  // the page stays, as while a slow answer is awaited
            });
            button.click();
            button.click();
            return sent;
        }"""
    )
    assert sent == 1


def test_a_job_is_removed_after_a_question(page: Page, login: Login) -> None:
    login()
    job = fails()
    page.goto(address(job))
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("link", name="No, take me back").click()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("button", name="Remove the job").click()
    expect(page.locator(".messagelist").first).to_contain_text("is removed")
    page.expected_faults.append("404")  # type: ignore[attr-defined]
    page.goto(address(job))
    page.get_by_role("link", name="To all queues").click()
    expect(page).to_have_url("/admin/queues/queue/")


def plant(connection: redis.Redis) -> Job:
    """A job of which every text is hostile."""
    job = fails(name="fail-with-token")
    text = f"{HOSTILE}\0".encode() + b"\xed\xa0\x80\xff"
    data = payloads.encode("fail-with-token", {"name": HOSTILE, "token": HOSTILE, HOSTILE: [HOSTILE]})
    fields = dict.fromkeys(("error", "owner", "worker_name", "dedupe"), text)
    connection.hset(keys.job(job.id), mapping={**fields, "data": data, "progress": b'{"%s": 1}' % HOSTILE.encode(), "name": text})
    connection.rpush(keys.log(job.id), text, *["x" * 200] * 150)
    connection.xadd(keys.results(job.id), {"type": 2, "exc_string": text, "exc_class": text, "worker_name": text})
    return job


def test_hostile_texts_are_shown_and_not_run(page: Page, login: Login, connection: redis.Redis) -> None:
    login()
    job = plant(connection)
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for place in (address(job), f"{address(job)}?log=0", address(job, "remove"), address(job, "text/payload"), address(job, "text/log")):
        page.goto(place)
        assert page.evaluate("document.querySelectorAll('#content-main img, #content-main script').length") == 0
    connection.hset(keys.job(job.id), "name", "fail-with-token")
    page.goto(address(job, "again"))
    page.get_by_role("button", name="Add the job").click()
    expect(page.locator(".errornote")).to_contain_text("Nothing was added")
    assert page.evaluate("document.querySelectorAll('#content-main img, #content-main script').length") == 0
    assert dialogs == []


def test_older_lines_tracebacks_and_errors_of_a_form_are_accessible_and_fit(page: Page, login: Login, connection: redis.Redis) -> None:
    login()
    job = fails()
    connection.rpush(keys.log(job.id), *[f"line {number}" for number in range(250)])
    page.goto(f"{address(job)}?log=50")
    check_every_look(page, looks=CORNERS)
    page.goto(f"/admin/queues/job/add/?queue={QUEUE}&name=everything")
    page.get_by_role("button", name="Add the job").click()
    expect(page.locator(".errornote")).to_be_visible()
    check_every_look(page, looks=CORNERS)


def test_a_running_job_that_a_second_operator_cancelled_is_told_kindly(page: Page, login: Login) -> None:
    login()
    job = add_job(QUEUE, "greet", {"name": "Ann"})
    page.goto(address(job))
    get_job(job.id).cancel()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".messagelist")).to_contain_text("had changed meanwhile: it is failed now")
