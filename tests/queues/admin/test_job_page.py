"""The page of a job: what it shows, and what can be done from it."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape

import orjson
import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from queues import Job, State, get_job, get_queue
from queues.links import Link, job_link, unregister
from queues.operations.schedules import get_schedules
from queues.store import keys, payloads
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.filling import Committed
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE, fail, fail_with_token, give_up, greet, later_once, mail, tell

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.queues.urls")]

ALL = ("view_queue", "change_queue", "add_job", "cancel_job", "remove_job")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user(*ALL))
    return client


@pytest.fixture
def queued(committed: Committed):
    """`queued(greet, name="Ann")` adds a job, committed."""

    def add(registered, options=None, **payload) -> Job:
        with committed(execute=True):
            return registered.using(**(options or {})).enqueue(**payload)

    return add


def url(name: str, *args: str) -> str:
    return reverse(f"admin:queues_job_{name}", args=args)


def texts(page: str) -> str:
    """What one reads on it."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.split('id="content-main"')[1])).split())


def show(client: Client, job_id: str, status: int = 200) -> str:
    response = client.get(url("change", job_id))
    assert response.status_code == status
    return response.content.decode()


def act(client: Client, name: str, job_id: str) -> list[str]:
    """Does it, and gives the messages."""
    response = client.post(url(name, job_id), follow=True)
    return [str(message) for message in response.context["messages"]]


def log_of(job_id: str) -> list[str]:
    return [entry.change_message for entry in LogEntry.objects.filter(object_id=job_id).order_by("pk")]


class TestWhatItShows:
    def test_a_waiting_job_shows_its_facts_and_payload(self, operator: Client, queued) -> None:
        job = queued(mail, {"priority": 7, "dedupe": "one"}, user_id=3, subject="<script>alert(1)</script>")
        page = show(operator, job.id)
        text = texts(page)
        for words in ("State waiting", f"Queue {QUEUE}", f"Id {job.id}", "Owner 3", "Priority 7", "Attempts 0 of 3", "Dedupe key one"):
            assert words in text
        assert "Timeout of a run 3 min" in text
        assert '"user_id": 3' in text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page

    def test_a_delayed_job_says_when_it_is_due(self, operator: Client, queued) -> None:
        job = queued(greet, {"delay": 3600}, name="Ann")
        due = datetime.fromtimestamp(time.time() + 3600, UTC)
        assert re.search(rf'<strong>Due</strong>\s*<div><time datetime="{due:%Y-%m-%dT%H}', show(operator, job.id))

    def test_each_attempt_shows_its_times_worker_and_error_and_its_traceback_is_folded(self, operator: Client, queued) -> None:
        job = queued(fail, {"attempts": 2, "backoff": 0}, name="Ann")
        run_jobs(QUEUE)
        page = show(operator, job.id)
        events = re.findall(r'<li class="job-event job-(\w+)">(.*?)</li>', page, re.S)
        assert [kind for kind, _ in events] == ["added", "retried", "failed"]
        assert all("ValueError: no luck with Ann" in text and text.count("<time") == 2 and "by" in text for _, text in events[1:])
        assert page.count("<details") == 2
        assert "open" not in re.findall(r"<details[^>]*>", page)[0]
        assert "Traceback (most recent call last)" in page

    def test_the_newest_traceback_comes_first(self, operator: Client, queued, connection) -> None:
        job = queued(fail, {"attempts": 2, "backoff": 0}, name="Ann")
        run_jobs(QUEUE)
        newest, oldest = get_job(job.id).attempts_history()
        page = show(operator, job.id)
        tracebacks = page.split("Tracebacks, the newest first")[1]
        assert tracebacks.index(newest.ended_at.isoformat()) < tracebacks.index(oldest.ended_at.isoformat())

    def test_a_first_run_that_returned_nothing_is_shown_from_the_hash(self, operator: Client, queued) -> None:
        job = queued(mail, user_id=3, subject="hello")
        run_jobs(QUEUE)
        assert get_job(job.id).attempts_history() == []
        page = show(operator, job.id)
        assert [kind for kind, _ in re.findall(r'<li class="job-event job-(\w+)">(.*?)</li>', page, re.S)] == ["added", "completed"]
        assert "It returned nothing." in page

    def test_a_run_is_not_shown_twice_though_its_claim_took_a_while(self, operator: Client, queued, connection) -> None:
        job = queued(fail, {"attempts": 1}, name="Ann")
        run_jobs(QUEUE)
        earlier = get_job(job.id).started_at - timedelta(milliseconds=800)  # the hash has the moment before the claim
        connection.hset(keys.job(job.id), "started_at", earlier.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
        assert re.findall(r'<li class="job-event job-(\w+)">', show(operator, job.id)) == ["added", "failed"]

    def test_a_result_is_shown(self, operator: Client, queued) -> None:
        job = queued(greet, name="Ann")
        run_jobs(QUEUE)
        assert "&quot;hello Ann&quot;" in show(operator, job.id)

    def test_a_run_that_was_put_back_uncharged_is_shown(self, operator: Client, queued, connection) -> None:
        job = queued(later_once, name="Ann")
        connection.hset(keys.job(job.id), mapping={"started_at": "2030-01-01T00:00:00.000000Z", "error": "RetryLater: busy"})
        assert "Run that was put back" in show(operator, job.id)

    def test_a_job_that_was_cancelled_before_it_ran_says_so(self, operator: Client, queued) -> None:
        job = queued(greet, name="Ann")
        job.cancel()
        text = texts(show(operator, job.id))
        assert "Failed without another run" in text
        assert "it was cancelled before it ran" in text

    def test_the_schedule_that_it_comes_from_is_named(self, operator: Client, connection) -> None:
        first = get_schedules()[0]
        job_id = first.run_now().id
        assert f"Schedule {first.name}" in texts(show(operator, job_id))

    def test_a_percentage_is_a_bar_and_other_progress_is_json(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        connection.hset(keys.job(job.id), "progress", b"42.5")
        assert re.search(r'<progress id="job-bar" max="100" value="42.50"></progress> 42.5 %', show(operator, job.id))
        connection.hset(keys.job(job.id), "progress", b'{"step": "<script>", "token": "abc"}')
        page = show(operator, job.id)
        assert "<progress" not in page
        assert "&lt;script&gt;" in page
        assert "abc" not in page

    def test_a_log_shows_its_last_lines_and_leads_to_the_older_ones(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        connection.rpush(keys.log(job.id), *(f"line <{number}>" for number in range(250)))
        page = show(operator, job.id)
        assert "Lines 151 to 250 of 250." in page
        assert "line &lt;150&gt;" in page
        assert "line &lt;149&gt;" not in page
        assert '<div id="job-log" data-live>' in page
        assert 'href="?log=50"' in page
        older = operator.get(url("change", job.id), {"log": "50"}).content.decode()
        assert "Lines 51 to 150 of 250." in older
        assert '<div id="job-log">' in older  # what one reads is not replaced
        assert 'href="?log=0"' in older
        assert 'href="?log=150"' in older
        assert "older ones may have been cut" not in page
        for start in ("250", "999999999999999999", "9" * 50, "-1", "rubbish"):
            beyond = operator.get(url("change", job.id), {"log": start})
            assert beyond.status_code == 200
        assert "There are only 250 lines." in operator.get(url("change", job.id), {"log": "250"}).content.decode()

    def test_a_full_log_says_that_older_lines_may_have_been_cut(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        connection.rpush(keys.log(job.id), *(f"line {number}" for number in range(1000)))
        assert "older ones may have been cut" in show(operator, job.id)
        assert operator.get(url("text", job.id, "log")).content.decode().count("\n") == 999

    def test_a_long_payload_is_cut_and_can_be_read_whole(self, operator: Client, queued) -> None:
        job = queued(greet, name="x" * 1_000_000)
        page = show(operator, job.id)
        assert len(page) < 50_000
        assert "more characters are not shown here" in page
        whole = operator.get(url("text", job.id, "payload"))
        assert "x" * 1_000_000 in whole.content.decode()
        assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert whole.headers["X-Content-Type-Options"] == "nosniff"
        assert operator.get(url("text", job.id, "rubbish")).status_code == 404

    def test_apps_link_to_what_a_job_is_about_and_a_broken_hook_shows_nothing(self, operator: Client, queued, caplog) -> None:
        def links(job: Job) -> Iterator[Link]:
            yield Link(f"<b>{job.data['name']}</b>", "/somewhere/?a=1&b=2")
            yield Link("a script", "javascript:alert(1)")

        def broken(job: Job) -> list[Link]:
            raise RuntimeError("no links")

        job_link(links)
        job_link(broken)
        try:
            page = show(operator, queued(greet, name="Ann").id)
        finally:
            unregister(links)
            unregister(broken)
        assert '<a href="/somewhere/?a=1&amp;b=2">&lt;b&gt;Ann&lt;/b&gt;</a>' in page
        assert "javascript:" not in page
        assert "found no links of job" in caplog.text

    def test_a_link_made_of_a_masked_value_is_not_shown(self, operator: Client, queued) -> None:
        def links(job: Job) -> Iterator[Link]:
            yield from (Link(job.data["token"], "/1/"), Link("shown", "/2/"), Link("hidden", f"/3/?t={job.data['token']}"))

        job_link(links)
        try:
            page = show(operator, queued(fail_with_token, name="Ann", token="hunter-2-token").id)
        finally:
            unregister(links)
        assert '<a href="/2/">shown</a>' in page
        assert "hunter-2" not in page

    def test_it_needs_one_round_trip_and_a_delayed_job_one_more(self, operator: Client, queued) -> None:
        waiting, delayed = queued(greet, name="Ann"), queued(greet, {"delay": 60}, name="Bob")
        with round_trips() as trips:
            show(operator, waiting.id)
        assert len(trips) == 1
        with round_trips() as trips:
            show(operator, delayed.id)
        assert len(trips) == 2

    def test_the_page_only_reads(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        before = {key: connection.dump(key) for key in connection.scan_iter()}
        show(operator, job.id)
        assert {key: connection.dump(key) for key in connection.scan_iter()} == before


class TestHostileJobs:
    TEXT = b"<script>alert(1)</script>\x00\xff\xed\xa0\x80"

    def test_a_planted_hash_is_shown_not_run(self, operator: Client, connection) -> None:
        fields = dict.fromkeys(("name", "origin", "error", "error_class", "owner", "worker_name", "dedupe", "description"), self.TEXT)
        numbers = dict.fromkeys(("priority", "attempts", "attempts_made", "stalled", "timeout"), b"9" * 30)
        moments = dict.fromkeys(("created_at", "started_at", "ended_at"), b"0001-01-01T00:00:00Z")
        data = payloads.encode("x", {"<script>": ["</pre><script>alert(1)</script>"]})
        progress = b'{"a": "<script>"}'
        connection.hset(
            keys.job("planted"), mapping={**fields, **numbers, **moments, "status": "failed", "data": data, "progress": progress}
        )
        connection.rpush(keys.log("planted"), self.TEXT)
        connection.xadd(keys.results("planted"), {"type": 2, "exc_string": "rubbish", "worker_name": self.TEXT, "return_value": "%%"})
        page = show(operator, "planted")
        assert "<script>" not in page.split('id="content-main"')[1]
        assert "&lt;script&gt;" in page

    @pytest.mark.parametrize("data", [b"", b"\x80\x04pickle", b"[]", b'{"a": 1}'])
    def test_data_that_is_no_call_is_said_to_be_none(self, operator: Client, connection, data: bytes) -> None:
        connection.hset(keys.job("planted"), mapping={"origin": QUEUE, "status": "failed", "data": data})
        assert "no call as JSON" in texts(show(operator, "planted"))

    def test_a_function_of_plain_rq_is_named_with_its_arguments(self, operator: Client, connection) -> None:
        data = orjson.dumps(["some.module.function", None, [1, "two"], {"token": "abcdef"}])
        connection.hset(keys.job("planted"), mapping={"origin": QUEUE, "status": "queued", "data": data})
        text = texts(show(operator, "planted"))
        assert '"two"' in text
        assert "abcdef" not in text
        assert "some.module.function" in operator.get(url("change", "planted")).content.decode()

    def test_payloads_nested_without_end_are_shown_to_a_depth(self, operator: Client, connection) -> None:
        data = b'["queues.jobs.run.run",null,["x"],{"a":' + b"[" * 900 + b"]" * 900 + b"}]"
        connection.hset(keys.job("planted"), mapping={"origin": QUEUE, "status": "failed", "data": data})
        assert "too deep to be shown" in show(operator, "planted")

    def test_keys_of_another_type_are_no_job_and_no_log(self, operator: Client, queued, connection) -> None:
        connection.set(keys.job("planted"), "a string")
        show(operator, "planted", 404)
        job = queued(greet, name="Ann")
        connection.set(keys.log(job.id), "a string")
        connection.set(keys.results(job.id), "a string")
        show(operator, job.id)

    @pytest.mark.parametrize("job_id", ["missing", "_00", "%ED%A0%80", "a/b", "<script>", "x" * 5000])
    def test_a_missing_job_is_a_page_with_a_way_back(self, operator: Client, job_id: str) -> None:
        page = show(operator, job_id, 404)
        assert "<script>" not in page.split('id="content-main"')[1]
        assert reverse("admin:queues_queue_changelist") in page

    def test_redis_away_is_a_page_that_says_so(self, operator: Client, settings) -> None:
        settings.RQ_QUEUES = {"away": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}
        for address in (url("change", "x"), url("changelist") + "?id=x", url("rerun", "x"), url("text", "x", "payload")):
            assert operator.get(address).status_code == 503
        assert operator.post(url("retry", "x")).status_code == 503

    def test_a_job_is_found_though_another_redis_is_away(self, operator: Client, queued, settings) -> None:
        job = queued(greet, name="Ann")
        settings.RQ_QUEUES = {"away": {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}, QUEUE: settings.RQ_QUEUES[QUEUE]}
        show(operator, job.id)


class TestWhatCanBeDone:
    def buttons(self, page: str) -> list[str]:
        actions = re.search(r'<ul class="job-actions">(.*?)</ul>', page, re.S)[1]
        return [text.strip() for text in re.findall(r'class="button[^"]*"[^>]*>([^<]+)<', actions)]

    def test_which_actions_are_offered_depends_on_the_state(self, operator: Client, queued, connection) -> None:
        waiting, delayed = queued(greet, name="Ann"), queued(greet, {"delay": 60}, name="Bob")
        assert self.buttons(show(operator, waiting.id)) == ["Cancel", "Remove…"]
        assert self.buttons(show(operator, delayed.id)) == ["Promote", "Cancel", "Remove…"]
        run_jobs(QUEUE)
        assert self.buttons(show(operator, waiting.id)) == ["Retry with changed payload", "Remove…"]
        dead = queued(give_up, name="Cleo")
        run_jobs(QUEUE)
        assert self.buttons(show(operator, dead.id)) == ["Retry", "Retry with changed payload", "Remove…"]
        connection.hset(keys.job(waiting.id), "status", "started")
        assert self.buttons(show(operator, waiting.id)) == ["Cancel"]
        connection.hset(keys.job(waiting.id), "cancel", "1")
        page = show(operator, waiting.id)
        assert self.buttons(page) == []
        assert "told to stop" in page

    def test_which_are_offered_depends_on_the_rights(self, client: Client, queued) -> None:
        dead = queued(give_up, name="Cleo")
        run_jobs(QUEUE)
        client.force_login(make_user("view_queue"))
        assert self.buttons(show(client, dead.id)) == []
        client.force_login(make_user("view_queue", "change_queue"))
        assert self.buttons(show(client, dead.id)) == ["Retry"]

    def test_each_action_needs_its_own_right_and_a_post(self, client: Client, operator: Client, queued) -> None:
        job = queued(greet, name="Ann")
        for name in ("retry", "promote", "cancel"):
            assert operator.get(url(name, job.id)).status_code == 405
        rights = {"retry": "change_queue", "promote": "change_queue", "cancel": "cancel_job", "remove": "remove_job", "rerun": "add_job"}
        for name, right in rights.items():
            client.force_login(make_user(*(set(ALL) - {right})))
            assert client.post(url(name, job.id)).status_code == 403
        assert get_job(job.id).state is State.WAITING
        assert not LogEntry.objects.exists()

    def test_retry(self, operator: Client, queued) -> None:
        job = queued(give_up, name="Ann")
        run_jobs(QUEUE)
        assert act(operator, "retry", job.id) == ["It waits again, with its attempts reset."]
        assert get_job(job.id).state is State.WAITING
        assert log_of(job.id) == [f"retried: give-up of {QUEUE}"]

    def test_promote(self, operator: Client, queued) -> None:
        job = queued(greet, {"delay": 60}, name="Ann")
        act(operator, "promote", job.id)
        assert get_job(job.id).state is State.WAITING
        assert log_of(job.id) == [f"promoted: greet of {QUEUE}"]

    def test_cancel_of_a_waiting_and_of_a_running_job(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        assert act(operator, "cancel", job.id) == ["It will not run: it is a failed job now."]
        assert get_job(job.id).state is State.FAILED
        running = queued(greet, name="Bob")
        connection.hset(keys.job(running.id), mapping={"status": "started", "worker_name": "somebody"})
        assert act(operator, "cancel", running.id) == ["It runs: its worker was told to stop it."]
        assert log_of(running.id) == [f"cancelled while active: greet of {QUEUE}"]

    def test_remove_asks_first(self, operator: Client, queued) -> None:
        job = queued(greet, name="Ann")
        page = operator.get(url("remove", job.id)).content.decode()
        assert "deleted for good" in page
        assert get_job(job.id).id == job.id
        operator.post(url("remove", job.id))
        assert get_queue(QUEUE).find(job.id) is None
        (entry,) = LogEntry.objects.all()
        assert (entry.object_id, entry.is_deletion(), entry.change_message) == (job.id, True, f"removed: greet of {QUEUE}")

    def test_a_running_job_is_not_even_asked_about(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        connection.hset(keys.job(job.id), "status", "started")
        page = operator.get(url("remove", job.id), follow=True).content.decode()
        assert "had changed meanwhile: it is active now" in page

    @pytest.mark.parametrize("name", ["retry", "promote"])
    def test_what_had_changed_meanwhile_is_told_kindly_and_not_logged(self, operator: Client, queued, name: str) -> None:
        job = queued(greet, name="Ann")
        assert act(operator, name, job.id) == ["The job had changed meanwhile: it is waiting now. Nothing was done."]
        assert log_of(job.id) == []

    def test_cancel_of_an_ended_and_remove_of_a_running_job_are_refused(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        run_jobs(QUEUE)
        assert act(operator, "cancel", job.id) == ["The job had changed meanwhile: it is completed now. Nothing was done."]
        connection.hset(keys.job(job.id), "status", "started")
        assert act(operator, "remove", job.id) == ["The job had changed meanwhile: it is active now. Nothing was done."]

    def test_acting_on_a_job_that_is_gone_is_the_friendly_404(self, operator: Client) -> None:
        for name in ("retry", "promote", "cancel", "remove", "rerun"):
            assert operator.post(url(name, "missing")).status_code == 404

    def test_a_name_with_nul_can_be_acted_on_and_logged(self, operator: Client, queued, connection) -> None:
        job = queued(greet, name="Ann")
        connection.hset(keys.job(job.id), "name", b"gr\x00eet")
        act(operator, "cancel", job.id)
        assert log_of(job.id) == [f"cancelled while waiting: gr\N{REPLACEMENT CHARACTER}eet of {QUEUE}"]


class TestFinding:
    def test_an_id_leads_to_the_page_whichever_queue_it_is_in(self, operator: Client, queued) -> None:
        job = queued(tell, steps=1)
        response = operator.get(url("changelist"), {"id": f" {job.id} "})
        assert response.status_code == 302
        assert response.headers["Location"] == url("change", job.id)

    def test_an_id_that_is_not_there_says_so(self, operator: Client) -> None:
        response = operator.get(url("changelist"), {"id": "<b>nothing"})
        assert response.status_code == 404
        assert "There is no job of the id &lt;b&gt;nothing." in response.content.decode()

    def test_the_index_does_not_list_it_and_the_nav_does(self, operator: Client) -> None:
        assert url("changelist") not in operator.get("/admin/").content.decode()
        assert url("changelist") in operator.get(reverse("admin:queues_queue_changelist")).content.decode()
