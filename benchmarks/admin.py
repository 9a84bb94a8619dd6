"""What the admin's pages cost, with django-rq's own pages over the same jobs in the same run."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from typing import Any

os.environ.setdefault("EMBEDDINGS_PROVIDER", "fake")

from benchmarks.costs import Cost, cost, table
from benchmarks.database import private_database
from benchmarks.server import QUEUE, private_redis, server

ROUNDS, BULK_ROUNDS = 15, 3
PART = 1000
PAGE = 100
IN_THE_MIDDLE = 50_000
SITE = {
    "ROOT_URLCONF": "benchmarks.urls",
    "ALLOWED_HOSTS": ["testserver"],
    "SECURE_SSL_REDIRECT": False,
    "STORAGES": {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
    "WHITENOISE_AUTOREFRESH": True,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--waiting", type=int, default=100_000, help="jobs that wait (default %(default)s)")
    parser.add_argument("--failed", type=int, default=10_000, help="dead letters, as many as are retried at once (default %(default)s)")
    options = parser.parse_args()
    with private_redis():
        from django.test import override_settings

        from theo.embedded import ensure_servers

        ensure_servers()
        logging.disable(logging.CRITICAL)
        with private_database(), override_settings(**SITE):
            costs = list(measure(options.waiting, options.failed))
    print(json.dumps([asdict(cost) for cost in costs], indent=2) if options.json else table(costs))


def measure(waiting: int, failed: int) -> Iterator[Cost]:
    client = log_in()
    fail(failed)
    wait(waiting)
    for name, *addresses in pages(waiting):
        for whose, where in zip(("ours", "django-rq"), addresses, strict=True):
            yield cost(server(), name, whose, partial(get, client, where), rounds=ROUNDS)
    for whose, where in (("ours", find("queue_bulk", QUEUE) + "?state=failed&action=retry"), ("django-rq", f"{stock()}requeue-all/")):
        yield cost(
            server(),
            f"retry {failed:,}",
            whose,
            partial(post, client, where),
            rounds=BULK_ROUNDS,
            before=lambda: (server().flushdb(), fail(failed)),
            after=lambda: check(failed),
        )


def pages(waiting: int) -> list[tuple[str, str, str]]:
    """Name, our address, django-rq's."""
    from queues import get_queue
    from queues.store.finding.pages import Cursor

    dead = get_queue(QUEUE).job_ids("failed", 0, 0)[0]
    middle = Cursor(offset=min(IN_THE_MIDDLE, waiting // 2))
    page, ours = middle.offset // PAGE + 1, find("queue_change", QUEUE)
    return [
        ("overview", find("queue_changelist"), "/django-rq/"),
        ("waiting, first 100", f"{ours}?state=waiting&size={PAGE}", stock()),
        (f"waiting, 100 from {middle.offset:,}", f"{ours}?state=waiting&size={PAGE}&at={middle}", f"{stock()}?page={page}"),
        ("failed, first 100", f"{ours}?state=failed&size={PAGE}", f"{stock()}failed/"),
        ("job", find("job_change", dead), f"{stock()}{dead}/"),
    ]


def stock() -> str:
    """The address of django-rq's page of the queue."""
    from django_rq.settings import get_queues_map

    return f"/django-rq/queues/{get_queues_map()[QUEUE]}/"


def find(page: str, *names: str) -> str:
    """The address of a page of ours."""
    from django.contrib.admin.utils import quote
    from django.urls import reverse

    return reverse(f"admin:queues_{page}", args=[quote(name) for name in names])


def log_in() -> Any:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    return client


def get(client: Any, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200, f"{address}: {response.status_code}"


def post(client: Any, address: str) -> None:
    response = client.post(address)
    assert response.status_code == 302, f"{address}: {response.status_code}"


def check(count: int) -> None:
    """A page that leaves the work to a job has not done it yet."""
    from queues import get_queue_stats

    stats = get_queue_stats(QUEUE)
    assert (stats.waiting, stats.failed) == (count, 0), f"{stats.waiting} of {count} wait"


def fail(count: int) -> None:
    """So many dead letters."""
    from queues.testing import run_jobs

    for _ in added("unlucky", count):
        run_jobs(QUEUE)


def wait(count: int) -> None:
    list(added("noop", count))


def added(name: str, count: int) -> Iterator[object]:
    """Adds so many jobs, a call at a time."""
    from queues import add_jobs

    for start in range(0, count, PART):
        yield add_jobs(QUEUE, [(name, {"n": number}) for number in range(start, min(start + PART, count))])


if __name__ == "__main__":
    main()
