"""Several Redis servers that accept connections and never answer, beside one that does: no page waits for one after the other."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import reverse

from queues import add_job, close_queues
from queues.api.tokens import hash_of, new_token
from queues.testing import run_jobs
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

SILENT = 6


@pytest.fixture
def silent_servers(settings) -> Iterator[list[str]]:
    """Their queues."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(SILENT)]
    queues = {
        f"silent-{number}": {"URL": f"redis://127.0.0.1:{each.getsockname()[1]}/0", "SERIALIZER": "rq.serializers.JSONSerializer"}
        for number, each in enumerate(sockets)
    }
    settings.RQ_QUEUES = {**queues, **settings.RQ_QUEUES}
    yield list(queues)
    close_queues()
    for each in sockets:
        each.close()


def test_all_of_them_cost_the_time_of_one(silent_servers: list[str], admin_client: Client, committed: Committed, time_limit) -> None:
    with committed(execute=True):
        add_job(QUEUE, "give-up", {"name": "Ann"})
    run_jobs(QUEUE)
    with committed(execute=True):
        job = add_job(QUEUE, "greet", {"name": "Ann"})
    pages = {
        reverse("admin:queues_queue_changelist"): QUEUE,
        reverse("admin:queues_deadletter_changelist"): "NonRetryable",
        reverse("admin:queues_job_change", args=[quote(job.id)]): job.id,
    }
    for address, shown in pages.items():
        with time_limit(2):
            response = admin_client.get(address)
        assert response.status_code == 200, address
        assert shown in response.content.decode()


def test_a_scrape_tells_all_of_them_in_time(silent_servers: list[str], client: Client, settings, time_limit) -> None:
    token = new_token()
    settings.QUEUES_API_TOKENS = [hash_of(token)]
    with time_limit(2):
        text = client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).content.decode()
    up = [line[-3:] for line in text.splitlines() if line.startswith("queues_up{")]
    assert sorted(up) == ["0.0"] * SILENT + ["1.0"]
