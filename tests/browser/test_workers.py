"""The workers in a browser: real processes, paused, resumed and stopped by clicks."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from queues import State, add_job, get_job
from tests.browser.conftest import Login
from tests.browser.looks import CORNERS, check_every_look
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE

URL = "/admin/queues/worker/"


def test_an_operator_pauses_resumes_and_stops_a_worker_and_sees_it_end(page: Page, login: Login, start_worker: StartWorker) -> None:
    login("view_queue", "pause_queue")
    page.goto(URL)
    expect(page.get_by_text("No worker lives: whatever is added waits.")).to_be_visible()
    expect(page.get_by_text(f"No worker serves {QUEUE}. Start one:")).to_contain_text(f"manage.py rqworker {QUEUE}")
    running = add_job(QUEUE, "spin", {"seconds": 2})
    process = start_worker(QUEUE, "--name", "smith")
    wait_until(lambda: get_job(running.id).state is State.ACTIVE)
    page.reload()
    row = page.get_by_role("row", name="smith")
    expect(row).to_contain_text("spin")
    expect(row).to_contain_text("MB, at most")
    check_every_look(page, looks=CORNERS)
    page.get_by_role("button", name="Pause smith").click()
    expect(page.get_by_text("takes no more jobs until it is resumed")).to_be_visible()
    expect(row).to_contain_text("paused")
    waiting = add_job(QUEUE, "greet", {"name": "Ann"})
    wait_until(lambda: get_job(running.id).state is State.COMPLETED)
    assert get_job(waiting.id).state is State.WAITING
    page.get_by_role("button", name="Resume smith").click()
    expect(page.get_by_text("takes jobs again")).to_be_visible()
    wait_until(lambda: get_job(waiting.id).state is State.COMPLETED)
    page.get_by_role("link", name="Stop smith").click()
    expect(page.get_by_text("may start it again")).to_be_visible()
    page.get_by_role("button", name="Yes, stop it").click()
    expect(page.get_by_text("was told to stop")).to_be_visible()
    assert process.wait(60) == 0
    page.reload()
    expect(page.get_by_text("No worker lives")).to_be_visible()
    page.expected_faults.append("404")
    assert page.goto(f"{URL}smith/change/").status == 404
    expect(page.get_by_text("No worker is called smith")).to_be_visible()
