"""django-rq's own pages over every state: they show, and change nothing."""

import pytest
from django.test import Client
from redis import Redis
from rq.job import Job

from queues import get_queue_stats
from queues.store.connection import new_connection
from tests.queues.compatibility.states import Filled, snapshot
from tests.testapp.jobs import QUEUE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.queues.compatibility.urls")]

LISTS = ["", "details/", "finished/", "failed/", "scheduled/", "started/", "deferred/"]
QUESTIONS = ["failed/clear/", "empty/", "requeue-all/"]


def test_the_pages_of_queues_read_every_state_and_change_nothing(client: Client, page: str, connection: Redis, filled: Filled) -> None:
    before, stats = snapshot(connection), get_queue_stats(QUEUE)
    workers = page.replace("queues", "workers", 1)
    for url in ["/django-rq/", "/django-rq/stats.json", workers, *(page + part for part in LISTS + QUESTIONS)]:
        response = client.get(url)
        assert response.status_code == 200, url
    assert snapshot(connection) == before
    assert get_queue_stats(QUEUE) == stats


def test_the_page_of_a_job_shows_each_state_and_changes_nothing(client: Client, page: str, connection: Redis, filled: Filled) -> None:
    before = snapshot(connection)
    for what, job_id in filled.ids.items():
        response = client.get(f"{page}{job_id}/")
        assert response.status_code == 200, what
        assert job_id in response.content.decode(), what
        assert client.get(f"{page}{job_id}/delete/").status_code == 200, what
    result = Job.fetch(filled.ids["failed"], connection=new_connection(QUEUE), serializer="json").latest_result()
    assert "it will never work" in client.get(f"{page}{filled.ids['failed']}/results/{result.id}/").content.decode()
    assert snapshot(connection) == before


def test_each_list_names_its_jobs(client: Client, page: str, filled: Filled) -> None:
    for part, whats in {
        "": ["waiting", "deduplicated", "plain django-rq", "plain rq"],
        "finished/": ["with result", "without result", "told"],
        "failed/": ["failed", "failed after attempts", "stalled", "cancelled"],
        "scheduled/": ["delayed", "put back"],
        "started/": ["active long"],
    }.items():
        text = client.get(page + part).content.decode()
        assert all(filled.ids[what] in text for what in whats), part


def test_the_statistics_are_those_of_rqs_registries(client: Client, page: str, filled: Filled) -> None:
    (found,) = [queue for queue in client.get("/django-rq/stats.json").json()["queues"] if queue["name"] == QUEUE]
    assert {key: found[key] for key in ("jobs", "started_jobs", "finished_jobs", "failed_jobs", "scheduled_jobs", "workers")} == {
        "jobs": 4,
        "started_jobs": 1,
        "finished_jobs": 5,
        "failed_jobs": 5,
        "scheduled_jobs": 2,
        "workers": 1,
    }


def test_the_page_of_a_worker_that_runs_a_long_job_breaks_in_django_rq_itself(
    client: Client, page: str, connection: Redis, filled: Filled
) -> None:
    """django-rq looks a worker up without the queue's serializer, so that it unpickles JSON; of an idle worker the page shows."""
    url = page.replace("queues", "workers", 1) + "rq:worker:holder/"
    before = snapshot(connection)
    client.raise_request_exception = False
    assert client.get(url).status_code == 500
    assert snapshot(connection) == before
    connection.delete("rq:worker:holder:executions")
    assert client.get(url).status_code == 200
