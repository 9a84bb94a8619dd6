"""A page in every look, in both themes, on a desk and on a phone: accessible by axe, no wider than the window, readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

Look = tuple[str, str, dict[str, int]]

DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SIDEBAR = "#nav-sidebar"
"""The list of all apps beside each page: Django's own, and the same on each, so it is looked at once."""
LOOKS: list[Look] = [("light", "auto", DESK), ("dark", "auto", DESK), ("light", "auto", PHONE), ("light", "dark", PHONE)]
"""The system's theme, the one chosen in the admin, and the window."""
CORNERS = [LOOKS[0], LOOKS[-1]]
"""Both themes and both windows, each once: for one more state of a page that is seen in every look."""

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules of these tags that another theme can break where the first one does not."""
AREAS = f"#header, {SIDEBAR}, #toggle-nav-sidebar, .breadcrumbs, #changelist-filter, #changelist-search, .paginator, .toplinks"
STOCK = f":is({AREAS}), :is({AREAS}) *"
"""Django's own markup around and on our pages: its links are lower than 24 pixels, and some are told from text by colour alone."""
OTHERS = ":not(.embedding-state, .embedding-state *)"
"""What is not ours on a page of Django's own ModelAdmin."""
STOCK_FAULTS = ("target-size", "link-in-text-block")
"""The rules that it breaks. Our own elements keep both."""
AUDIT = """async ([left_out, options, rules, stock]) => (await axe.run({exclude: [left_out]}, options)).violations.map(({id, nodes}) => [
  id, nodes.filter(node => !(rules.includes(id) && node.element.matches(stock))).map(node => node.html)
]).filter(([id, found]) => found.length)"""

SCROLLERS = """() => [...document.querySelectorAll('body *')].filter(each => {
  const style = getComputedStyle(each);
  const scrolls = each.scrollWidth > each.clientWidth + 1 && ['auto', 'scroll'].includes(style.overflowX);
  return scrolls && !each.matches('textarea, pre, select, nav *') && !each.querySelector('table, svg, pre');
}).map(each => each.outerHTML.slice(0, 120))"""
"""What scrolls sideways and holds neither a table nor a drawing."""

UNREADABLE = """() => {
  const crosses = (one, other, from, to) => one[from] + 2 < other[to] && other[from] + 2 < one[to];  // their boxes are higher than letters
  const meet = (one, other) => crosses(one, other, 'left', 'right') && crosses(one, other, 'top', 'bottom');
  const words = [...document.querySelectorAll('svg')].flatMap(drawing => {
    const boxes = [...drawing.querySelectorAll('text')].map(each => [each.textContent, each.getBoundingClientRect()]);
    return boxes.filter(([, box], index) => boxes.slice(0, index).some(([, other]) => meet(box, other))).map(([text]) => text);
  });
  const lines = each => {
    const range = document.createRange();
    range.selectNodeContents(each);
    return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size;
  };
  const moments = [...document.querySelectorAll('time')].filter(each => /^\\d{4}-/.test(each.textContent) && lines(each) > 2);
  const captions = [...document.querySelectorAll('caption')].filter(each => {
    const style = getComputedStyle(each);
    return style.backgroundColor !== 'rgba(0, 0, 0, 0)' && parseFloat(style.paddingLeft) < 4;
  });
  return [...words, ...[...moments, ...captions].map(each => each.textContent)];
}"""
"""Words of a drawing that lie over others, moments in more lines than day and time, captions without room in their colour."""


def check_every_look(page: Page, *, stock: str = STOCK, left_out: str = SIDEBAR, looks: list[Look] = LOOKS) -> None:
    """Fails with what check_accessibility finds, where something else than the regions of tables and drawings is wider than the window,
    and with what is UNREADABLE. Leaves the page in the first look, unfolded."""
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    seen: list[dict[str, Any]] = []
    for system, chosen, window in looks:
        _look(page, system, chosen, window)
        check_accessibility(page, stock=stock, left_out=left_out, rules=COLOURS if window in seen else None)
        seen.append(window)
        assert page.evaluate("document.documentElement.scrollWidth") <= window["width"], f"{page.url} is wider than the window"
        assert (found := page.evaluate(SCROLLERS)) == [], f"{page.url} scrolls sideways: {found}"
        assert (found := page.evaluate(UNREADABLE)) == [], f"{page.url} is hard to read: {found}"
    _look(page, *LOOKS[0])


def check_accessibility(page: Page, *, stock: str = STOCK, left_out: str = SIDEBAR, rules: list[str] | None = None) -> None:
    """Fails with what axe finds by WCAG 2.2 AA, or by these of its rules, outside of the selector `left_out`, but for STOCK_FAULTS of
    what the selector `stock` matches."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    options = {
        "runOnly": only,
        "elementRef": True,
        "resultTypes": ["violations"],
        "preload": False,  # it would look for what a style sheet imports
    }
    found = page.evaluate(AUDIT, [left_out, options, STOCK_FAULTS, stock])
    assert found == [], f"{page.url}: {found}"


def _look(page: Page, system: str, chosen: str, window: dict[str, int]) -> None:
    page.emulate_media(color_scheme=system)  # type: ignore[arg-type]
    page.evaluate("theme => document.documentElement.dataset.theme = theme", chosen)
    page.set_viewport_size(window)  # type: ignore[arg-type]
    page.evaluate("document.getAnimations().forEach(each => each.finish())")  # links fade from one theme's colour to the other's
