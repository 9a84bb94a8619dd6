"""Every page that a person can reach, over jobs that attack and over what a stranger planted in Redis: shown or refused in words."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
import redis
from django.contrib.auth.models import User
from django.test import Client

from queues.store import keys
from tests.browser.hostile import plant
from tests.browser.pages import every_page
from tests.browser.scene import Scene, prepare
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db(transaction=True)

ALIVE = ("<script>window", "<img src=x", "<img/src", "<svg/onload")


@pytest.fixture
def scene(client: Client, connection: redis.Redis) -> Scene:
    user = User.objects.create_superuser("operator")
    client.force_login(user)
    return prepare(connection, user)


def walk(client: Client, start: list[str], *, reach: int = 150) -> dict[str, int]:
    """Opens so many of these addresses and what they link to, breadth first, as far as they are about queues. Returns the status of
    each."""
    found: dict[str, int] = {}
    ahead = list(start)
    while ahead and len(found) < reach:
        address = ahead.pop(0)
        if address in found:
            continue
        response = client.get(address)
        found[address] = response.status_code
        if response.status_code == 302:
            ahead.append(urljoin(address, response["Location"]))
            continue
        if not response["Content-Type"].startswith("text/html"):
            continue
        text = response.content.decode()
        assert not [each for each in ALIVE if each in text], address
        links = (urljoin(address, unescape(link)) for link in re.findall(r'href="([^"#]+)"', text))
        ahead += [link for link in links if urlsplit(link).path.startswith("/admin/queues/")]
    return found


def addresses(scene: Scene, *, app: str = "") -> list[str]:
    return [address for page in every_page() if page.name.startswith(app) for address in page.addresses(scene)]


def test_pages_over_jobs_that_attack_show_them_as_text(client: Client, scene: Scene) -> None:
    found = walk(client, addresses(scene))
    assert {address: status for address, status in found.items() if status not in (200, 302)} == {}
    assert len(found) > len(every_page())


def test_no_page_breaks_over_what_a_stranger_planted(client: Client, scene: Scene, connection: redis.Redis) -> None:
    planted = plant(connection)
    found = walk(client, [f"/admin/queues/job/{planted[0]}/change/", *addresses(scene, app="queues")])
    assert {address: status for address, status in found.items() if status not in (200, 302, 404)} == {}


@pytest.mark.parametrize("kind", ["string", "hash", "list", "zset"])
def test_keys_of_another_type_are_refused_in_words(client: Client, scene: Scene, connection: redis.Redis, kind: str) -> None:
    """What no command of ours can read is a Redis that does not serve: the page that says so."""
    start = addresses(scene, app="queues")
    for key in [*connection.scan_iter(f"rq:ext:{QUEUE}:*"), *connection.scan_iter(f"rq:*:{QUEUE}"), keys.job(scene.jobs["failed"])]:
        replace(connection, key, kind)
    found = walk(client, start, reach=len(start))
    assert {address: status for address, status in found.items() if status not in (200, 302, 404, 503)} == {}


def replace(connection: redis.Redis, key: str | bytes, kind: str) -> None:
    connection.delete(key)
    match kind:
        case "string":
            connection.set(key, "rubbish")
        case "hash":
            connection.hset(key, "a", "b")
        case "list":
            connection.rpush(key, "a")
        case "zset":
            connection.zadd(key, {"a": 1})
