"""A real browser on a real server: every test fails if its pages complain to the console or ask another host for anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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

CHROMIUM = next(filter(None, map(shutil.which, ["chromium-headless-shell", "chromium", "chromium-browser"])), None)
"""The first is the same engine without windows: it takes a quarter of the time."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
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
    page.on("console", lambda message: faults.append(f"{page.url}: {message.text}") if _is_fault(message) else None)
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
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


def _is_fault(message: ConsoleMessage) -> bool:
    return message.type in ("error", "warning") and not message.location["url"].endswith("/favicon.ico")


def _is_own(url: str, server: str) -> bool:
    return url.startswith((server, "data:", "blob:", "about:"))
