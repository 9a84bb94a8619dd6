"""A real browser on a real server: every test fails if its pages complain to the console or ask another host for anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, expect

from queues import close_queues, get_queue
from tests.processes import StartWorker, server_urls, worker_processes
from tests.testapp.jobs import QUEUE

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's own loop runs in this thread

CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
"""The shell has no windows to draw, and takes about half of the time."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AREAS = "#header, #nav-sidebar, #toggle-nav-sidebar, .breadcrumbs, #changelist-filter, #changelist-search, .paginator, .toplinks"
STOCK = f":is({AREAS}), :is({AREAS}) *"
"""Django's own markup around and on our pages: its links are lower than 24 pixels, and some are told from text by colour alone."""
OTHERS = ":not(.embedding-state, .embedding-state *)"
"""What is not ours on a page of Django's own ModelAdmin."""
STOCK_FAULTS = ("target-size", "link-in-text-block")
"""The rules that it breaks. Our own elements keep both."""
AUDIT = """async ([options, rules, stock]) => (await axe.run(document, options)).violations.map(({id, nodes}) => [
  id, nodes.filter(node => !(rules.includes(id) && node.element.matches(stock))).map(node => node.html)
]).filter(([id, found]) => found.length)"""

Login = Callable[..., User]


expect.set_options(timeout=30_000)  # of a busy machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.django_db(transaction=True))
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="no Chromium here: apt-get install chromium"))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], live_server: Any) -> BrowserContext:
    return new_context(base_url=live_server.url, locale="en-US", timezone_id="UTC", viewport={"width": 1280, "height": 900})


@pytest.fixture(autouse=True)
def connection() -> redis.Redis:
    """The tests' Redis, empty at the start of each test."""
    client = get_queue(QUEUE).connection
    client.flushdb()
    return client


@pytest.fixture
def start_worker() -> Iterator[StartWorker]:
    """Starts `manage.py rqworker` as a process of its own, on the tests' servers; whatever still runs is killed at the end."""
    with worker_processes(server_urls()) as start:
        yield start
    close_queues()


@pytest.fixture
def page(context: BrowserContext, live_server: Any) -> Iterator[Page]:
    """A page under `live_server` (paths are enough: `page.goto("/admin/")`), whose console, errors and requests are watched."""
    page = context.new_page()
    faults: list[str] = []
    expected: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if not _is_own(request.url, live_server.url) else None)
    page.expected_faults = expected  # type: ignore[attr-defined]  # texts of which a test knows that they come: "503" of a Redis that is away
    yield page
    unexpected = [fault for fault in faults if not any(text in fault for text in expected)]
    assert unexpected == []


@pytest.fixture
def login(context: BrowserContext, live_server: Any) -> Login:
    """`login()` makes the browser a superuser's; `login("view_queue", ...)` that of a staff user with these permissions of `queues`."""

    def log_in(*codenames: str, **facts: Any) -> User:
        from tests.queues.accounts import make_user

        user = make_user(*codenames, **facts) if codenames else User.objects.create_superuser("operator", password="secret")
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        return user

    return log_in


@pytest.fixture
def check_accessibility() -> Callable[..., None]:
    """`check_accessibility(page)` fails with what axe finds by WCAG 2.2 AA, but for STOCK_FAULTS of what the selector `stock` matches."""

    def check(page: Page, *, stock: str = STOCK) -> None:
        page.evaluate(AXE)
        options = {"runOnly": {"type": "tag", "values": TAGS}, "elementRef": True}
        options["preload"] = False  # it would look for what a style sheet imports beside the page
        assert page.evaluate(AUDIT, [options, STOCK_FAULTS, stock]) == []

    return check


def _is_fault(message: ConsoleMessage) -> bool:
    return message.type in ("error", "warning") and not message.location["url"].endswith("/favicon.ico")


def _is_own(url: str, server: str) -> bool:
    return url.startswith((server, "data:", "blob:", "about:"))
