"""Each page of the admin, whoever made it: accessible in both themes, on a desk and on a phone, quiet, and deaf to what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from playwright.sync_api import Page, Response

from tests.browser.conftest import OTHERS, STOCK, Login
from tests.browser.hostile import HOSTILE
from tests.browser.pages import AdminPage, every_page
from tests.browser.scene import Scene, prepare

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = [("light", "auto", DESK), ("dark", "auto", DESK), ("light", "auto", PHONE), ("light", "dark", PHONE)]
"""The system's theme, the one chosen in the admin, and the window."""

SCROLLERS = """() => [...document.querySelectorAll('body *')].filter(each => {
  const style = getComputedStyle(each);
  const scrolls = each.scrollWidth > each.clientWidth + 1 && ['auto', 'scroll'].includes(style.overflowX);
  return scrolls && !each.matches('textarea, pre, select, nav *') && !each.querySelector('table, svg, pre');
}).map(each => each.outerHTML.slice(0, 120))"""
"""What scrolls sideways and holds neither a table nor a drawing."""


@pytest.fixture
def scene(login: Login, connection: redis.Redis) -> Scene:
    return prepare(connection, login())


@pytest.mark.parametrize("admin_page", every_page(), ids=str)
def test_a_page_is_accessible_in_every_look_and_runs_nothing_that_it_shows(
    admin_page: AdminPage, page: Page, scene: Scene, check_accessibility: Callable[..., None]
) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for address in admin_page.addresses(scene):
        response = page.goto(address)
        assert response is not None and response.status == 200, address
        if not response.headers["content-type"].startswith("text/html"):
            assert_plain(response)
            continue
        assert page.title().strip(" |")
        assert page.locator("#content h1").first.inner_text().strip()
        assert page.locator("html").get_attribute("lang")
        for system, chosen, window in LOOKS:
            look(page, system, chosen, window)
            check_accessibility(page, stock=OTHERS if admin_page.is_stock else STOCK)
            assert_fits(page, window)
        assert page.evaluate("window.__ran") is None
    assert dialogs == []


def test_the_walker_finds_pages_of_both_apps_and_no_action() -> None:
    names = [page.name for page in every_page()]
    assert {"queues_queue_changelist", "embeddings_embeddingmodel_changelist", "context_person_change"} <= set(names)
    assert len(names) == len(set(names))


def assert_plain(response: Response) -> None:
    """What is no page is text that no browser takes for anything else."""
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-content-type-options"] == "nosniff"


def look(page: Page, system: str, chosen: str, window: dict[str, Any]) -> None:
    page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
    page.evaluate("theme => document.documentElement.dataset.theme = theme", chosen)
    page.set_viewport_size(window)  # type: ignore[arg-type]
    page.evaluate("document.getAnimations().forEach(each => each.finish())")  # links fade from one theme's colour to the other's


def assert_fits(page: Page, window: dict[str, Any]) -> None:
    """Only the regions of tables and drawings may be wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]
    assert page.evaluate(SCROLLERS) == []


def test_a_text_that_attacks_is_shown_as_it_is(page: Page, scene: Scene) -> None:
    """By the pages that show the whole of it: so the test above cannot pass because nothing attacked."""
    page.goto("/admin/embeddings/dirtyentity/")
    assert HOSTILE[:40] in page.locator("#content").inner_text()


SMALL = """place => {
  document.querySelector(place).insertAdjacentHTML('beforeend', '<p>' + '<button class="small">x</button>'.repeat(9) + '</p>');
  const size = {width: '9px', height: '9px', padding: 0};
  document.querySelectorAll('.small').forEach(each => Object.assign(each.style, size));
}"""


@pytest.mark.parametrize(("place", "is_ours"), [("#content-main", True), ("#nav-sidebar", False)])
def test_small_targets_are_found_in_what_is_ours(
    page: Page, login: Login, check_accessibility: Callable[..., None], place: str, is_ours: bool
) -> None:
    login()
    page.goto("/admin/queues/queue/")
    page.evaluate(SMALL, place)
    if not is_ours:
        return check_accessibility(page)
    with pytest.raises(AssertionError, match="target-size"):
        check_accessibility(page)
