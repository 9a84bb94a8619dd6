"""The overview in a browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from queues import add_job
from tests.browser.conftest import Login
from tests.testapp.jobs import QUEUE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_overview_is_accessible(page: Page, login: Login, check_accessibility: Callable[..., None], theme: str) -> None:
    login()
    add_job(QUEUE, "greet", {"name": "Ann"})
    page.emulate_media(color_scheme=theme)
    page.goto("/admin/queues/queue/")
    expect(page.get_by_role("row", name=QUEUE)).to_contain_text("no worker")
    check_accessibility(page, without=("target-size",))
