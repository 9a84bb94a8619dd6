"""Each page of the admin, whoever made it: accessible in both themes, on a desk and on a phone, quiet, and deaf to what it shows."""

from __future__ import annotations

import pytest
import redis
from playwright.sync_api import Dialog, Page, Response

from tests.browser.conftest import Login
from tests.browser.hostile import HOSTILE
from tests.browser.looks import CORNERS, LOOKS, OTHERS, STOCK, Look, check_accessibility, check_every_look
from tests.browser.pages import every_page
from tests.browser.scene import Scene, prepare


@pytest.fixture
def scene(login: Login, connection: redis.Redis) -> Scene:
    return prepare(connection, login())


@pytest.fixture
def dialogs(page: Page) -> list[str]:
    """What the pages asked with windows of their own: nothing should."""
    seen: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    return seen


def test_each_is_accessible_in_every_look_and_runs_nothing_that_it_shows(
    page: Page, scene: Scene, dialogs: list[str], subtests: pytest.Subtests
) -> None:
    for admin_page in every_page():
        for number, address in enumerate(admin_page.addresses(scene)):
            with subtests.test(address):
                check_page(page, address, is_stock=admin_page.is_stock, looks=CORNERS if number else LOOKS)
                assert dialogs == []


def check_page(page: Page, address: str, *, is_stock: bool, looks: list[Look]) -> None:
    response = page.goto(address)
    assert response is not None and response.status == 200
    if not response.headers["content-type"].startswith("text/html"):
        return assert_plain(response)
    assert page.title().strip(" |")
    assert page.locator("#content h1").first.inner_text().strip()
    assert page.locator("html").get_attribute("lang")
    check_every_look(page, stock=OTHERS if is_stock else STOCK, looks=looks)
    assert page.evaluate("window.__ran") is None


def test_the_list_of_apps_beside_them_is_accessible_too(page: Page, scene: Scene) -> None:
    page.goto("/admin/queues/queue/")
    check_every_look(page, left_out="#content")


def test_the_walker_finds_pages_of_both_apps_and_no_action() -> None:
    names = [page.name for page in every_page()]
    assert {"queues_queue_changelist", "embeddings_embeddingmodel_changelist", "context_person_change"} <= set(names)
    assert len(names) == len(set(names))


def assert_plain(response: Response) -> None:
    """What is no page is text that no browser takes for anything else."""
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_text_that_attacks_is_shown_as_it_is(page: Page, scene: Scene) -> None:
    """By the pages that show the whole of it: so the test above cannot pass because nothing attacked."""
    page.goto("/admin/embeddings/dirtyentity/")
    assert HOSTILE[:40] in page.locator("#content").inner_text()


SMALL = """place => {
  document.querySelector(place).insertAdjacentHTML('beforeend', '<p>' + '<button class="small">x</button>'.repeat(9) + '</p>');
  const size = {width: '9px', height: '9px', padding: 0};
  document.querySelectorAll('.small').forEach(each => Object.assign(each.style, size));
}"""


@pytest.mark.parametrize(("place", "is_ours"), [("#content-main", True), ("#header", False)])
def test_small_targets_are_found_in_what_is_ours(page: Page, login: Login, place: str, is_ours: bool) -> None:
    login()
    page.goto("/admin/queues/queue/")
    page.evaluate(SMALL, place)
    if not is_ours:
        return check_accessibility(page)
    with pytest.raises(AssertionError, match="target-size"):
        check_accessibility(page)
