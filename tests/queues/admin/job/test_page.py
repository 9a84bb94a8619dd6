"""The page of a job: what it shows."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from queues import Job, get_job
from queues.links import Link, job_link, unregister
from queues.operations.schedules import get_schedules
from queues.store import keys
from queues.testing import run_jobs
from tests.clock import HOUR, stay_in_one
from tests.queues.admin.job.conftest import show, texts, url
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE, fail, fail_with_token, greet, later_once, mail, tell

pytestmark = pytest.mark.django_db


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
        stay_in_one(HOUR)
        job = queued(greet, {"delay": HOUR}, name="Ann")
        due = datetime.fromtimestamp(time.time() + HOUR, UTC)
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
