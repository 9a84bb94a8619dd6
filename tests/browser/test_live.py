"""The live refresh: what it does in a browser when things go well, when somebody works in the page, and when there is no answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from queues import add_job, job, schedule
from queues.jobs.registry import registry
from tests.browser.conftest import Login
from tests.testapp.jobs import QUEUE

OVERVIEW = "/admin/queues/queue/"
AWAY = {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}
STALE = "Not updated since"


@pytest.fixture
def asked(page: Page) -> list[Request]:
    """What the script has asked for."""
    made: list[Request] = []
    page.on("request", lambda request: made.append(request) if request.resource_type == "fetch" else None)
    return made


@pytest.fixture
def overview(page: Page, login: Login) -> Page:
    """The overview in the browser of somebody who may pause, with a clock that stands still until it is told to run."""
    login("view_queue", "pause_queue")
    page.clock.install()
    page.goto(OVERVIEW)
    page.clock.pause_at(page.evaluate("Date.now() / 1000 + 1"))
    return page


def run(page: Page, seconds: float, *, asks: bool = True) -> None:
    """Lets the page's clock run on; with `asks` until an answer has come that it asks for meanwhile."""
    if not asks:
        page.clock.run_for(seconds * 1000)
        return
    with page.expect_event("requestfinished", lambda request: request.resource_type == "fetch"):
        page.clock.run_for(seconds * 1000)


def status(page: Page) -> str:
    return page.get_by_role("status").inner_text()


def test_it_refreshes_every_five_seconds_and_says_when_it_did(overview: Page, asked: list[Request]) -> None:
    expect(overview.get_by_label("Refresh")).to_have_value("5")
    before = overview.locator("#live-time").inner_text()
    run(overview, 5)
    expect(overview.locator("#live-time")).not_to_have_text(before)
    run(overview, 5)
    assert len(asked) == 2
    expect(overview.get_by_role("status")).to_have_text("")


def test_the_choice_is_kept_in_this_browser(overview: Page, context: BrowserContext, asked: list[Request]) -> None:
    overview.get_by_label("Refresh").select_option("0")
    run(overview, 300, asks=False)
    assert asked == []
    overview.reload()
    expect(overview.get_by_label("Refresh")).to_have_value("0")
    another = context.new_page()
    another.goto(OVERVIEW)
    expect(another.get_by_label("Refresh")).to_have_value("0")
    another.get_by_label("Refresh").select_option("60")
    overview.reload()
    expect(overview.get_by_label("Refresh")).to_have_value("60")


def test_rubbish_in_the_browser_s_storage_is_the_default(overview: Page) -> None:
    overview.evaluate("localStorage.setItem('queues.live.seconds', '0.001')")
    overview.reload()
    expect(overview.get_by_label("Refresh")).to_have_value("5")


HOLDS = {
    "ticked": ("<input type=checkbox id=held aria-label=x>", "document.getElementById('held').checked = true", "held.checked = false"),
    "open": ("<details id=held><summary>x</summary>y</details>", "document.getElementById('held').open = true", "held.open = false"),
    "focused": ("<input id=held aria-label=x>", "document.getElementById('held').focus()", "held.blur()"),
    "selected": (
        "<span id=held>text</span>",
        "getSelection().selectAllChildren(document.getElementById('held'))",
        "getSelection().removeAllRanges()",
    ),
}


@pytest.mark.parametrize("how", HOLDS)
def test_a_region_that_somebody_works_in_is_left_alone_and_the_others_are_not(overview: Page, how: str) -> None:
    markup, hold, release = HOLDS[how]
    overview.evaluate("markup => document.getElementById('queues').insertAdjacentHTML('beforeend', markup)", markup)
    overview.evaluate("document.getElementById('notes').textContent = 'stale'")
    overview.evaluate(hold)
    run(overview, 5)
    expect(overview.get_by_role("status")).to_contain_text(STALE)
    expect(overview.locator("#held")).to_have_count(1)
    expect(overview.locator("#notes")).not_to_have_text("stale")
    overview.evaluate(release)
    run(overview, 5)
    expect(overview.locator("#held")).to_have_count(0)
    expect(overview.get_by_role("status")).to_have_text("")


def test_what_is_told_aloud_does_not_change_with_each_failure(overview: Page) -> None:
    overview.expected_faults.append("ERR_FAILED")  # type: ignore[attr-defined]
    overview.route(f"**{OVERVIEW}", lambda route: route.abort())
    run(overview, 5, asks=False)
    expect(overview.get_by_role("status")).to_contain_text(STALE)
    told = status(overview)
    with overview.expect_event("requestfailed"):
        run(overview, 10, asks=False)
    assert status(overview) == told


def test_it_asks_less_often_while_there_is_no_answer_and_recovers(overview: Page, asked: list[Request]) -> None:
    overview.expected_faults.append("ERR_FAILED")  # type: ignore[attr-defined]
    overview.route(f"**{OVERVIEW}", lambda route: route.abort())
    run(overview, 5, asks=False)
    expect(overview.get_by_role("status")).to_contain_text(STALE)
    run(overview, 9, asks=False)
    assert len(asked) == 1
    overview.unroute(f"**{OVERVIEW}")
    add_job(QUEUE, "greet", {"name": "Ann"})
    run(overview, 2)
    expect(overview.get_by_role("status")).to_have_text("")
    expect(overview.get_by_role("row", name=QUEUE).first).to_contain_text("no worker")
    run(overview, 5)
    assert len(asked) == 3


def test_it_waits_for_no_longer_than_half_a_minute(overview: Page, asked: list[Request]) -> None:
    overview.expected_faults.append("ERR_FAILED")  # type: ignore[attr-defined]
    overview.route(f"**{OVERVIEW}", lambda route: route.abort())
    for _ in range(6):
        with overview.expect_event("requestfailed"):
            run(overview, 31, asks=False)
        expect(overview.get_by_role("status")).to_contain_text(STALE)
    assert len(asked) >= 6


def test_a_hidden_tab_asks_for_nothing_and_a_seen_one_at_once(overview: Page, asked: list[Request]) -> None:
    overview.evaluate("Object.defineProperty(document, 'hidden', { get: () => window.isHidden === true, configurable: true })")
    overview.evaluate("window.isHidden = true; document.dispatchEvent(new Event('visibilitychange'))")
    run(overview, 300, asks=False)
    assert asked == []
    with overview.expect_event("requestfinished"):
        overview.evaluate("window.isHidden = false; document.dispatchEvent(new Event('visibilitychange'))")
    run(overview, 5)
    assert len(asked) == 2


def test_redis_away_leaves_the_last_numbers_and_says_since_when(overview: Page, settings) -> None:
    overview.expected_faults.append("503")  # type: ignore[attr-defined]
    queues = settings.RQ_QUEUES
    settings.RQ_QUEUES = dict.fromkeys(queues, AWAY)
    run(overview, 5)
    expect(overview.get_by_role("status")).to_contain_text(STALE)
    expect(overview.get_by_role("row", name=QUEUE).first).to_contain_text("no worker")
    settings.RQ_QUEUES = queues
    run(overview, 10)
    expect(overview.get_by_role("status")).to_have_text("")


@pytest.mark.parametrize("path", [OVERVIEW, "/admin/queues/schedule/clean-queues/change/"])
def test_a_page_that_could_not_be_shown_comes_by_itself_when_redis_is_back(page: Page, login: Login, settings, path: str) -> None:
    login("view_queue")
    page.expected_faults.append("503")  # type: ignore[attr-defined]
    queues = settings.RQ_QUEUES
    settings.RQ_QUEUES = dict.fromkeys(queues, AWAY)
    page.goto(path)
    expect(page.locator("#content-main")).to_contain_text("Redis did not answer")
    page.get_by_label("Refresh").select_option("2")
    settings.RQ_QUEUES = queues
    expect(page.locator("#content-main")).not_to_contain_text("Redis did not answer", timeout=15_000)
    expect(page.locator("#queues, #runs")).to_be_visible()


def test_whoever_is_logged_out_is_led_to_the_login_and_back(overview: Page, context: BrowserContext, asked: list[Request]) -> None:
    context.clear_cookies()
    run(overview, 5)
    link = overview.get_by_role("status").get_by_role("link", name="Log in")
    expect(link).to_be_visible()
    before = len(asked)
    run(overview, 300, asks=False)
    assert len(asked) == before
    link.click()
    expect(overview).to_have_url(re.compile(r"/admin/login/\?next=%2Fadmin%2Fqueues%2Fqueue%2F$"))


def test_whoever_loses_the_right_sees_no_more(overview: Page, asked: list[Request]) -> None:
    from django.contrib.auth.models import User

    overview.expected_faults.append("403")  # type: ignore[attr-defined]
    User.objects.get().user_permissions.clear()
    run(overview, 5)
    expect(overview.get_by_role("status")).to_contain_text("may no longer see this")
    run(overview, 300, asks=False)
    assert len(asked) == 1


@pytest.fixture
def unregister() -> Iterator[Callable[[], None]]:
    """A schedule that is there until this is called."""

    @schedule(every=3600, name="passing")
    @job(name="passing", queue=QUEUE)
    def passing() -> None: ...

    yield lambda: registry.unregister("passing")
    if "passing" in {definition.name for definition in registry}:
        registry.unregister("passing")


def test_a_page_whose_subject_is_gone_says_so(page: Page, login: Login, unregister: Callable[[], None]) -> None:
    login("view_queue")
    page.expected_faults.append("404")  # type: ignore[attr-defined]
    page.goto("/admin/queues/schedule/passing/change/")
    page.get_by_label("Refresh").select_option("2")
    unregister()
    expect(page.get_by_role("status")).to_have_text("This page is no longer there.", timeout=15_000)
    page.reload()
    expect(page.locator("#live")).to_be_hidden()


def test_the_place_on_the_page_is_kept(overview: Page) -> None:
    overview.set_viewport_size({"width": 390, "height": 400})
    overview.evaluate("window.scrollTo(0, 200); document.querySelector('.queue-results').scrollLeft = 50")
    overview.evaluate("document.getElementById('queues').dataset.seen = document.getElementById('queues').innerHTML.length")
    add_job(QUEUE, "greet", {"name": "Ann"})
    run(overview, 5)
    expect(overview.locator("#queues")).to_contain_text("critical")
    assert overview.evaluate("[window.scrollY, document.querySelector('.queue-results').scrollLeft]") == [200, 50]
