"""`python -m tests.browser.screenshots`: every page, light and dark, on a desk and on a phone, into docs/screenshots/, with a list of them.

On servers and data of its own (THEO_DATA_DIR, by default .theo/screenshots), with real workers. Arguments choose pages by a part of
their name.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.processes import RedisServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.scene import Scene

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "docs" / "screenshots"
LOOKS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
HEIGHT, MOST_HEIGHT = 800, 1700


def main(wanted: list[str]) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.browser.scenery.settings"
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    os.environ["LOG_LEVEL"] = "CRITICAL"  # many jobs are to fail
    with TemporaryDirectory() as folder, closing(RedisServer(Path(folder) / "redis")) as redis:
        os.environ["REDIS_URL"] = redis.url  # by a port: a socket's path would stand in the pictures
        run(wanted)


def run(wanted: list[str]) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from theo.demo.account import ensure_admin
    from theo.embedded import ensure_servers

    ensure_servers()
    call_command("migrate", verbosity=0)
    user = ensure_admin().user
    FOLDER.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scene, server = set_up(stack, user)
        cookie = session_of(user)
        with_browser(lambda browser: take(browser, server, cookie, scene, wanted))
    (FOLDER / "README.md").write_text(list_of(FOLDER))


def set_up(stack: ExitStack, user: Any) -> tuple[Scene, str]:
    """The scene, and where a site serves it."""
    from tests.browser.scenery.build import build_before_workers, build_with_workers
    from tests.processes import free_port, wait_until
    from theo.demo.processes import ManageProcess
    from theo.demo.site import is_port_free

    jobs = build_before_workers(user)
    log = Path(os.environ["THEO_DATA_DIR"]) / "screenshots.log"
    port = free_port()
    for arguments in (("embeddings", "email-sync", "notifications", "imports"), ("notifications",)):
        stack.enter_context(ManageProcess("rqworker", *arguments, log=log))
    stack.enter_context(ManageProcess("runserver", "--noreload", f"127.0.0.1:{port}", log=log))
    scene = build_with_workers(jobs, user, expected=2)
    wait_until(lambda: not is_port_free(port))
    return scene, f"http://127.0.0.1:{port}"


def session_of(user: Any) -> str:
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user)
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


def with_browser(use: Any) -> None:
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, FLAGS

    if not CHROMIUM:
        sys.exit("There is no Chromium here: apt-get install chromium-headless-shell, or chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        use(browser)
        browser.close()


def take(browser: Browser, server: str, cookie: str, scene: Scene, wanted: list[str]) -> None:
    from django.conf import settings

    for theme, width in LOOKS:
        context = browser.new_context(
            base_url=server, locale="en-US", timezone_id="UTC", color_scheme=theme, viewport={"width": width, "height": HEIGHT}
        )
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": server}])
        page = context.new_page()
        for name, address in addresses(scene):
            if wanted and not any(part in name for part in wanted):
                continue
            response = page.goto(address)
            if response.request.redirected_from or not response.headers["content-type"].startswith("text/html"):
                continue
            page.evaluate("document.activeElement.blur()")
            height = min(MOST_HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
            file = FOLDER / f"{name}-{theme}-{width}.png"
            page.screenshot(path=file, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": max(HEIGHT, height)})
            sys.stdout.write(f"{file.relative_to(ROOT)} {file.stat().st_size // 1024} KB\n")
        context.close()


def list_of(folder: Path) -> str:
    """A row a page, a link a look."""
    looks = [f"{theme}-{width}" for theme, width in LOOKS]
    names = sorted({path.stem.rsplit("-", 2)[0] for path in folder.glob("*.png")})
    lines = [
        "# Screenshots",
        "",
        "By `make screenshots`; the figures are made up.",
        "",
        f"| Page | {' | '.join(looks)} |",
        "|---" * (len(looks) + 1) + "|",
    ]
    lines += [f"| {name} | {' | '.join(f'[{look}]({name}-{look}.png)' for look in looks)} |" for name in names]
    return "\n".join(lines) + "\n"


def addresses(scene: Scene) -> Iterator[tuple[str, str]]:
    """Each page of ours by a short name."""
    from tests.browser.pages import every_page

    for page in every_page():
        if page.is_stock and not page.name.startswith("context"):
            continue
        for address in page.addresses(scene):
            yield short_name(page.name, address, scene), address


def short_name(name: str, address: str, scene: Scene) -> str:
    base = name.removeprefix("queues_").removesuffix("_changelist").replace("_change", "").replace("_", "-")
    state = next((state for state, job_id in scene.jobs.items() if f"/{job_id}/" in address), "")
    query = "-".join(re.findall(r"=([\w-]+)", address))
    if name.endswith("_changelist"):
        base = {"queue": "overview", "worker": "workers", "schedule": "schedules"}.get(base, base)
    return "-".join(part for part in (base, state, query) if part)


if __name__ == "__main__":
    main(sys.argv[1:])
