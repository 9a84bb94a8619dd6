"""Acting on many jobs from the page of their queue."""

from __future__ import annotations

import html
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.admin.models import LogEntry
from django.http import HttpResponse
from django.test import Client
from redis import Redis

from queues import QueueStats, State, add_job, add_jobs, get_job, get_queue, get_queue_stats, remove_job
from queues.jobs.registry import registry
from queues.operations.bulk import BULK_JOBS
from queues.operations.selection import ACTIONS, Selection
from queues.store import scripts
from queues.store.fields import rq_time
from queues.store.finding.filters import Filter
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from tests.queues.accounts import make_user
from tests.queues.admin.dead import dead_jobs
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = f"/admin/queues/queue/{QUEUE}"
RIGHTS = {"retry": "change_queue", "promote": "change_queue", "cancel": "cancel_job", "remove": "remove_job"}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue", "change_queue", "cancel_job", "remove_job"))
    return client


def select(client: Client, action: str, ids: list[str], state: str = "failed", **more: str) -> Any:
    data = {"action": action, "_selected_action": ids, "select_across": "0", "index": "0", **more}
    return client.post(f"{PAGE}/selected/?state={state}", data, follow=True)


def bulk_url(action: str, **query: str) -> str:
    return f"{PAGE}/bulk/?{urlencode({'state': 'failed', **query, 'action': action})}"


def words(response: HttpResponse) -> list[str]:
    """What the messages on the page say."""
    return [str(message) for message in response.context["messages"]]


def test_ticked_jobs_are_retried_at_once_and_noted(operator: Client) -> None:
    ids = dead_jobs(8)
    response = select(operator, "retry", ids[:7])
    assert words(response) == ["7 jobs retried."]
    assert get_queue_stats(QUEUE) == QueueStats(waiting=7, failed=1)
    assert response.redirect_chain == [(f"{PAGE}/change/?state=failed", 302)]
    entry = LogEntry.objects.get()
    assert entry.change_message == f"retry, 7 of 7 selected jobs of {QUEUE}: {', '.join(ids[:5])}, ..."


def test_one_stays_on_the_page_that_one_was_on(operator: Client) -> None:
    ids = dead_jobs(3)
    address = f"{PAGE}/change/?state=failed&order=first&at=state%7E0%7E%7E%7E{ids[0]}"
    shown = html.unescape(operator.get(address).content.decode())
    action = shown.split('<form id="changelist-form" method="post" action="')[1].split('"')[0]
    response = operator.post(action, {"action": "retry", "_selected_action": ids[1:2], "select_across": "0"})
    back = response.headers["Location"]
    assert "at=" in back and get_queue_stats(QUEUE).waiting == 1
    page = operator.get(back).content.decode()
    assert f'value="{ids[2]}"' in page and f'value="{ids[0]}"' not in page


def test_what_changed_meanwhile_is_said(operator: Client) -> None:
    ids = dead_jobs(3)
    remove_job(ids[0])
    assert words(select(operator, "retry", [*ids, "gone", "<script>"])) == ["2 of 5 retried, 3 had changed meanwhile."]


@pytest.mark.parametrize("action", ["cancel", "remove"])
def test_what_destroys_is_confirmed(operator: Client, action: str) -> None:
    ids = [job.id for job in add_jobs(QUEUE, [("greet", {"name": "a"}), ("greet", {"name": "b"})])]
    page = select(operator, action, ids, state="waiting").content.decode()
    assert f"{action.capitalize()} 2 jobs?" in page and all(job_id in page for job_id in ids)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=2)
    response = select(operator, action, ids, state="waiting", confirmed="1")
    assert words(response) == [f"2 jobs {'cancelled' if action == 'cancel' else 'removed'}."]
    assert get_queue_stats(QUEUE) == QueueStats(failed=2 if action == "cancel" else 0)


def test_delayed_jobs_are_promoted(operator: Client) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"}, delay=60)
    assert words(select(operator, "promote", [job.id], state="delayed")) == ["1 job promoted."]
    assert get_job(job.id).state is State.WAITING


def test_without_an_action_or_a_job_nothing_is_done(operator: Client) -> None:
    ids = dead_jobs(1)
    for action, chosen in (("", ids), ("retry", [])):
        assert words(select(operator, action, chosen)) == ["Nothing was changed: choose an action, and the jobs to act on."]
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)


def test_all_that_match_are_counted_confirmed_and_counted_again(operator: Client) -> None:
    ids = dead_jobs(30)
    dead_jobs(5, name="fail")
    page = operator.get(bulk_url("retry", name="greet")).content.decode()
    assert "Retry 30 jobs?" in page and ids[0] not in page
    for job_id in ids[:3]:
        remove_job(job_id)
    response = operator.post(bulk_url("retry", name="greet"), {"count": "30"}, follow=True)
    assert words(response) == ["27 of 30 retried, 3 had changed meanwhile."]
    assert get_queue_stats(QUEUE) == QueueStats(waiting=27, failed=5)
    assert LogEntry.objects.get().change_message == f"retry, 27 of 30 failed jobs of {QUEUE} with name greet"


def test_more_than_were_counted_are_said_too(operator: Client) -> None:
    dead_jobs(3)
    response = operator.post(bulk_url("remove"), {"count": "2"}, follow=True)
    assert words(response) == ["3 jobs removed: by then more matched than the 2 that were counted."]


def test_the_change_lists_own_select_all_leads_to_the_same_page(operator: Client) -> None:
    ids = dead_jobs(3)
    response = operator.post(
        f"{PAGE}/selected/?state=failed&name=greet", {"action": "retry", "_selected_action": ids[:1], "select_across": "1"}
    )
    assert response.headers["Location"] == f"{PAGE}/bulk/?state=failed&name=greet&action=retry"
    assert get_queue_stats(QUEUE).failed == 3


def test_none_that_match_is_said(operator: Client) -> None:
    assert "No job matches any more." in operator.get(bulk_url("retry")).content.decode()


@pytest.mark.parametrize("action", ["retry", "remove", "cancel", "promote"])
def test_ten_thousand_jobs_cost_fewer_than_twenty_round_trips(operator: Client, action: str) -> None:
    count, state = 10_000, {"retry": "failed", "remove": "failed", "cancel": "waiting", "promote": "delayed"}[action]
    if state == "failed":
        dead_jobs(count)
    else:
        add_jobs(QUEUE, [("greet", {"name": "a"})] * count, delay=60 if state == "delayed" else None, keep_failed=count)
    with round_trips() as trips:
        response = operator.post(bulk_url(action, state=state), {"count": str(count)})
    assert response.status_code == 302
    assert len(trips) < 20
    assert get_queue_stats(QUEUE).counts()[state] == 0


def test_above_a_limit_a_job_of_our_own_does_it(operator: Client, settings) -> None:
    settings.QUEUES_BULK_INLINE = 20
    dead_jobs(30)
    dead_jobs(5, name="fail")
    page = operator.get(bulk_url("retry", name="greet")).content.decode()
    assert "Retry 20 jobs or more?" in page and 'name="count"' not in page and "left to a job" in page
    assert "Retry 35 jobs?" in (page := operator.get(bulk_url("retry")).content.decode()) and "left to a job" in page
    response = operator.post(bulk_url("retry", name="greet"), follow=True)
    queue = get_queue(registry.get(BULK_JOBS).queue)
    (job,) = queue.jobs("waiting")
    assert (job.name, job.id in words(response)[0]) == (BULK_JOBS, True)
    assert f"No worker serves the queue {queue.name}" in words(response)[1]
    assert get_queue_stats(QUEUE) == QueueStats(failed=35), "it waits for a worker"
    assert run_jobs(queue.name) == 1
    assert get_queue_stats(QUEUE) == QueueStats(waiting=30, failed=5)
    assert (queue.get(job.id).progress, queue.history(job.id)[0].result) == (100, {"matched": 30, "done": 30})
    messages = [entry.change_message for entry in LogEntry.objects.order_by("pk")]
    assert messages == [
        f"retry, all failed jobs of {QUEUE} with name greet: left to the job {job.id}",
        f"Job {job.id}: retry, 30 of 30 failed jobs of {QUEUE} with name greet",
    ]


@pytest.mark.parametrize(("action", "state"), [("retry", "failed"), ("remove", "failed"), ("remove", "waiting"), ("cancel", "delayed")])
def test_what_came_after_the_click_is_left_alone(operator: Client, settings, action: str, state: str) -> None:
    settings.QUEUES_BULK_INLINE = 2

    def fill(count: int) -> None:
        if state == "failed":
            dead_jobs(count)
        else:
            add_jobs(QUEUE, [("greet", {"name": "a"})] * count, delay=60 if state == "delayed" else None)

    fill(5)
    operator.post(bulk_url(action, state=state))
    fill(3)
    assert run_jobs(registry.get(BULK_JOBS).queue) == 1
    assert get_queue_stats(QUEUE).counts()[state] == 3


def test_a_bulk_job_that_was_cut_off_goes_on_and_says_that_it_did_not_count_all(operator: Client, settings, connection: Redis) -> None:
    settings.QUEUES_BULK_INLINE = 2
    ids = dead_jobs(5)
    operator.post(bulk_url("retry"))
    queue = registry.get(BULK_JOBS).queue
    Claimer(worker="killed", lease_seconds=0).claim(connection, [Room(queue=queue, units=1)])
    get_queue(QUEUE).retry_many(ids[:2])  # so far it came
    scripts.reap(connection, queue, 1, "500:", "JobStalled: gone", "JobStalled", rq_time(time.time()))
    get_queue(QUEUE).cancel_many(ids[:1])  # it died again: once retried, it is not meant any more
    assert run_jobs(queue) == 1
    assert get_queue_stats(QUEUE) == QueueStats(waiting=4, failed=1)
    message = LogEntry.objects.latest("pk").change_message
    assert message.endswith(f"retry, 3 of 3 failed jobs of {QUEUE}, besides what an earlier attempt did before it was cut off")


def test_the_bulk_job_does_not_act_on_itself() -> None:
    queue = registry.get(BULK_JOBS).queue
    payload = {"action": "cancel", "queue": queue, "state": "active"}
    job = add_job(queue, BULK_JOBS, payload)
    assert run_jobs(queue) == 1
    assert get_job(job.id).state is State.COMPLETED


def test_the_bulk_job_of_a_user_who_is_gone_leaves_no_row(connection: Redis) -> None:
    dead_jobs(1)
    queue = registry.get(BULK_JOBS).queue
    add_job(queue, BULK_JOBS, {"action": "retry", "queue": QUEUE, "state": "failed", "user_id": "999999"})
    assert run_jobs(queue) == 1
    assert not LogEntry.objects.exists() and get_queue_stats(QUEUE).waiting == 1


def test_the_workers_of_cancelled_jobs_are_told_at_once(operator: Client, connection: Redis) -> None:
    ids = [job.id for job in add_jobs(QUEUE, [("greet", {"name": "a"})] * 3)]
    Claimer(worker="w", lease_seconds=30).claim(connection, [Room(queue=QUEUE, units=3)])
    channel = connection.pubsub(ignore_subscribe_messages=True)
    channel.subscribe("rq:pubsub:w")
    channel.get_message(timeout=1)
    response = operator.post(bulk_url("cancel", state="active"), {"count": "3"}, follow=True)
    assert words(response) == ["3 jobs cancelled."]
    told = [json.loads(channel.get_message(timeout=1)["data"]) for _ in ids]
    assert sorted(message["job_id"] for message in told) == sorted(ids)
    channel.close()


def test_no_action_reaches_a_job_of_another_queue(operator: Client, connection: Redis) -> None:
    job = add_job(registry.get(BULK_JOBS).queue, BULK_JOBS, {"action": "retry", "queue": QUEUE, "state": "failed"})
    connection.hset(f"rq:job:{job.id}", "status", "started")
    for action in ACTIONS:
        assert words(select(operator, action, [job.id], confirmed="1"))[0].startswith("0 of 1")
    assert connection.hget(f"rq:job:{job.id}", "cancel") is None


@pytest.mark.parametrize("action", RIGHTS)
def test_each_action_needs_its_own_permission(client: Client, action: str) -> None:
    ids = dead_jobs(2)
    others = {"change_queue", "cancel_job", "remove_job", "add_job", "pause_queue"} - {RIGHTS[action]}
    client.force_login(make_user("view_queue", *others))
    data = {"action": action, "_selected_action": ids, "confirmed": "1"}
    assert client.post(f"{PAGE}/selected/?state=failed", data).status_code == 403
    assert client.post(f"{PAGE}/selected/?state=failed", {**data, "select_across": "1"}).status_code == 403
    assert client.get(bulk_url(action)).status_code == 403
    assert client.post(bulk_url(action), {"count": "2"}).status_code == 403
    assert get_queue_stats(QUEUE) == QueueStats(failed=2)
    assert not LogEntry.objects.exists()


def test_a_viewer_cannot_act(client: Client) -> None:
    client.force_login(make_user("view_queue"))
    for address in ("selected", "bulk", "clean", "drain"):
        assert client.post(f"{PAGE}/{address}/").status_code == 403, address
    assert client.post(bulk_url("nothing")).status_code == 403


@pytest.mark.parametrize(
    "query", ["action=nothing", "action=", "", "state=x&action=retry", "name=%00&action=retry", "owner=" + "x" * 999 + "&action=retry"]
)
def test_rubbish_in_the_address_acts_on_nothing(operator: Client, query: str) -> None:
    dead_jobs(1)
    for response in (operator.get(f"{PAGE}/bulk/?{query}"), operator.post(f"{PAGE}/bulk/?{query}", {"count": "x" * 99})):
        assert response.status_code in (200, 302, 400, 403)
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)


def test_hostile_texts_of_a_filter_are_shown_and_not_run(operator: Client) -> None:
    dead_jobs(1)
    page = operator.get(bulk_url("retry", text="greet<script>")).content.decode()
    assert "greet<script>" not in page
    ids = ["<script>alert(1)</script>"]
    page = select(operator, "remove", ids).content.decode()
    assert ids[0] not in page and html.escape(ids[0]) in page


def test_many_are_taken_out_of_a_long_list_in_one_walk(connection: Redis) -> None:
    ids = [job.id for job in add_jobs(QUEUE, [("greet", {"name": "a"})] * 3000)]
    chosen = ids[::3]
    assert get_queue(QUEUE).remove_many(chosen) == 1000
    assert get_queue(QUEUE).job_ids("waiting") == [job_id for job_id in ids if job_id not in set(chosen)]
    assert len(get_queue(QUEUE).cancel_many(ids[1:100])) == 66
    assert get_queue(QUEUE).remove_many([ids[1], ids[1], "gone"]) == 1


def test_a_selection_is_told_in_words() -> None:
    wanted = Filter(name="send", error_class="Timeout")
    assert str(Selection(queue=get_queue(QUEUE), state=State.FAILED, wanted=wanted)) == (
        f"failed jobs of {QUEUE} with name send and error class Timeout"
    )
