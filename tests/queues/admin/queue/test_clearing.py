"""Cleaning and draining a queue from its page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from queues import QueueStats, add_job, get_queue_stats
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.admin.dead import dead_jobs
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = f"/admin/queues/queue/{QUEUE}"
ALL = {"age": "0", "unit": "minutes", "states": ["completed", "failed"]}


@pytest.fixture
def remover(client: Client) -> Client:
    client.force_login(make_user("view_queue", "remove_job"))
    return client


def fill() -> None:
    add_job(QUEUE, "greet", {"name": "Ann"})
    run_jobs(QUEUE)
    dead_jobs(3)


def words(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_cleaning_counts_first_and_says_how_many(remover: Client) -> None:
    fill()
    assert "Count them" in remover.get(f"{PAGE}/clean/").content.decode()
    page = remover.get(f"{PAGE}/clean/", {**ALL, "states": ["failed"]}).content.decode()
    assert "3 jobs ended that long ago." in page and "Yes, remove 3 jobs" in page
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=3)
    response = remover.post(f"{PAGE}/clean/", {**ALL, "states": ["failed"]}, follow=True)
    assert words(response) == ["3 jobs removed."]
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)
    assert LogEntry.objects.get().change_message == "clean, 3 failed jobs that ended more than 0 minutes ago"


def test_what_ended_lately_is_not_cleaned(remover: Client) -> None:
    fill()
    page = remover.get(f"{PAGE}/clean/", {**ALL, "age": "1", "unit": "hours"}).content.decode()
    assert "0 jobs ended that long ago." in page and "Yes, remove" not in page
    assert words(remover.post(f"{PAGE}/clean/", {**ALL, "age": "1", "unit": "hours"}, follow=True)) == ["0 jobs removed."]


@pytest.mark.parametrize(
    "rubbish", [{"age": "-1"}, {"age": "9" * 400}, {"age": "x"}, {"unit": "years"}, {"states": ["waiting"]}, {"states": []}]
)
def test_rubbish_cleans_nothing_and_says_why(remover: Client, rubbish: dict[str, Any]) -> None:
    fill()
    for response in (remover.get(f"{PAGE}/clean/", {**ALL, **rubbish}), remover.post(f"{PAGE}/clean/", {**ALL, **rubbish})):
        assert response.status_code == 200 and "errorlist" in response.content.decode()
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=3)


@pytest.mark.parametrize("is_all", [False, True])
def test_draining_asks_and_deletes_what_waits(remover: Client, is_all: bool) -> None:
    for _ in range(2):
        add_job(QUEUE, "greet", {"name": "Ann"})
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=60)
    page = remover.get(f"{PAGE}/drain/").content.decode()
    assert "Remove all 2 waiting jobs?" in page and "Also the 1 delayed job" in page
    assert get_queue_stats(QUEUE).waiting == 2
    response = remover.post(f"{PAGE}/drain/", {"delayed": "1"} if is_all else {}, follow=True)
    assert words(response) == ["3 jobs removed." if is_all else "2 jobs removed."]
    assert get_queue_stats(QUEUE) == QueueStats(delayed=0 if is_all else 1)
    assert LogEntry.objects.get().change_message == ("drain, 3 waiting or delayed jobs" if is_all else "drain, 2 waiting jobs")


def test_where_nothing_waits_draining_asks_for_the_delayed_ones_alone(remover: Client) -> None:
    for _ in range(2):
        add_job(QUEUE, "greet", {"name": "Ann"}, delay=60)
    page = remover.get(f"{PAGE}/drain/").content.decode()
    assert "Remove all 2 delayed jobs?" in page and "waiting" not in page
    assert '<input type="hidden" name="delayed" value="1">' in page


def test_an_empty_queue_has_nothing_to_drain(remover: Client) -> None:
    page = remover.get(f"{PAGE}/drain/").content.decode()
    assert "There is nothing to remove" in page and "Yes, remove" not in page


@pytest.mark.parametrize("address", ["clean", "drain"])
def test_both_need_the_permission_to_remove(client: Client, address: str) -> None:
    client.force_login(make_user("view_queue", "change_queue", "cancel_job", "pause_queue", "add_job"))
    add_job(QUEUE, "greet", {"name": "Ann"})
    assert client.get(f"{PAGE}/{address}/").status_code == 403
    assert client.post(f"{PAGE}/{address}/", ALL).status_code == 403
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
