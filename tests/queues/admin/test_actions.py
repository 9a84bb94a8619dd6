"""What may be done on the overview and on the page of a schedule, and by whom."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import reverse
from redis import Redis

from queues import get_queue, get_schedule, is_paused, pause_queue
from queues.jobs.registry import registry
from tests.queues.accounts import make_user
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

OVERVIEW = "/admin/queues/queue/"
NAME = "clean-queues"
ACTIONS = [f"{OVERVIEW}{QUEUE}/pause/", f"{OVERVIEW}{QUEUE}/resume/"] + [
    f"/admin/queues/schedule/{NAME}/{verb}/" for verb in ("run", "disable", "enable")
]


def log_in(client: Client, *codenames: str) -> Client:
    client.force_login(make_user(*codenames))
    return client


def entries() -> list[tuple[str, str, str]]:
    return [(each.content_type.model, each.object_id, each.change_message) for each in LogEntry.objects.order_by("pk")]


def test_a_queue_is_paused_and_resumed_with_a_row_in_the_log(client: Client) -> None:
    log_in(client, "view_queue", "pause_queue")
    response = client.post(f"{OVERVIEW}{QUEUE}/pause/", follow=True)
    assert is_paused(QUEUE)
    assert response.redirect_chain == [(OVERVIEW, 302)]
    assert f"Paused: {QUEUE}. Running jobs finish" in response.content.decode()
    client.post(f"{OVERVIEW}{QUEUE}/resume/")
    assert not is_paused(QUEUE)
    assert entries() == [("queue", QUEUE, "Paused."), ("queue", QUEUE, "Resumed.")]


def test_an_action_leads_back_to_the_page_that_it_came_from_but_to_no_other_host(client: Client) -> None:
    log_in(client, "view_queue", "pause_queue")
    assert client.post(ACTIONS[0], {"next": f"{OVERVIEW}?a=b"}).headers["Location"] == f"{OVERVIEW}?a=b"
    assert client.post(ACTIONS[0], {"next": "https://elsewhere.example/"}).headers["Location"] == OVERVIEW


def test_whoever_may_only_look_sees_no_button_and_changes_nothing(client: Client, connection: Redis) -> None:
    log_in(client, "view_queue")
    pause_queue("embeddings")
    for page in (OVERVIEW, f"/admin/queues/schedule/{NAME}/change/"):
        main = client.get(page).content.decode().split('id="content-main"')[1]
        assert "<button" not in main
        assert "<form" not in main
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    assert [client.post(url).status_code for url in ACTIONS] == [403] * 5
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before
    assert entries() == []


def test_pausing_and_changing_are_rights_apart(client: Client) -> None:
    log_in(client, "view_queue", "pause_queue")
    assert [client.post(url).status_code for url in ACTIONS] == [302, 302, 403, 403, 403]
    log_in(client, "view_queue", "change_queue")
    assert [client.post(url).status_code for url in ACTIONS] == [403, 403, 302, 302, 302]


def test_whoever_may_act_but_not_look_may_do_neither(client: Client) -> None:
    log_in(client, "pause_queue", "change_queue")
    assert [client.post(url).status_code for url in ACTIONS] == [403] * 5


def test_an_action_needs_a_post_and_its_token(client: Client) -> None:
    log_in(client, "view_queue", "pause_queue", "change_queue")
    assert [client.get(url).status_code for url in ACTIONS] == [405] * 5
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert [strict.post(url).status_code for url in ACTIONS] == [403] * 5
    assert not is_paused(QUEUE)


def test_an_unknown_queue_or_schedule_is_a_friendly_404(client: Client) -> None:
    log_in(client, "view_queue", "pause_queue", "change_queue")
    for url in (f"{OVERVIEW}nope/pause/", f"{OVERVIEW}%3Cscript%3E/resume/", "/admin/queues/schedule/nope/run/"):
        response = client.post(url)
        assert (response.status_code, "To all queues" in response.content.decode()) == (404, True), url
        assert "<script>" not in response.content.decode().split("content-main")[1]
    assert client.get("/admin/queues/schedule/nope/change/").status_code == 404
    assert entries() == []


def test_a_name_with_slashes_and_quotes_is_addressed_too(client: Client, settings) -> None:
    name = 'mail/in "<b>_x'
    settings.RQ_QUEUES = {**settings.RQ_QUEUES, name: settings.RQ_QUEUES[QUEUE]}
    log_in(client, "view_queue", "pause_queue")
    address = reverse("admin:queues_queue_pause", args=[quote(name)])
    assert f'action="{address}"' in client.get(OVERVIEW).content.decode()
    client.post(address)
    assert is_paused(name)


def test_redis_away_makes_an_action_a_503_that_leaves_no_row(client: Client, settings) -> None:
    settings.RQ_QUEUES = {QUEUE: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}
    log_in(client, "view_queue", "pause_queue")
    response = client.post(ACTIONS[0])
    assert response.status_code == 503
    assert 'id="live"' not in response.content.decode(), "a POST has no page to fetch again"
    assert entries() == []


def test_a_schedule_is_run_disabled_and_enabled_with_rows_in_the_log(client: Client) -> None:
    log_in(client, "view_queue", "change_queue")
    response = client.post(f"/admin/queues/schedule/{NAME}/run/", follow=True)
    job_id = get_schedule(NAME).last_job_id
    assert response.redirect_chain == [(f"/admin/queues/schedule/{NAME}/change/", 302)]
    assert f"The job {job_id} is the run of {NAME}" in response.content.decode()
    queue = get_queue(registry.get(NAME).queue)
    assert [job.id for job in queue.jobs("waiting")] == [job_id]
    client.post(f"/admin/queues/schedule/{NAME}/disable/")
    assert get_schedule(NAME).is_disabled
    client.post(f"/admin/queues/schedule/{NAME}/enable/")
    assert not get_schedule(NAME).is_disabled
    assert entries() == [
        ("schedule", NAME, f"Run now, as the job {job_id}."),
        ("schedule", NAME, "Disabled."),
        ("schedule", NAME, "Enabled."),
    ]
