"""The page of one queue: what it shows, and what it bears in its address."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse
from redis import Redis

from queues import add_job, add_jobs, get_queue, remove_job
from queues.admin.queue import page as queue_page
from queues.store.finding import pages
from queues.testing import run_jobs
from tests.queues.admin.dead import dead_jobs
from tests.queues.roundtrips import round_trips
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db(transaction=True)

URL = f"/admin/queues/queue/{QUEUE}/change/"
HOSTILE = "<script>alert(1)</script>"


def show(client: Client, **query: object) -> str:
    response = client.get(f"{URL}?{urlencode(query)}")
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def ids_in(page: str) -> list[str]:
    return re.findall(r'<th scope="row" class="job-id"><span class="job-name">[^<]*</span><(?:a|span)[^>]*>([^<]+)', page)


def link(page: str, words: str) -> str:
    """The query that a link leads to."""
    found = re.search(rf'<a [^>]*href="\?([^"]*)"[^>]*>{re.escape(words)}', page)
    assert found, f"no link {words!r}"
    return found[1]


def test_each_state_has_a_tab_with_its_count_and_what_waits_is_shown_first(viewer: Client) -> None:
    waiting, delayed = add_job(QUEUE, "greet", {"name": "Ann"}), add_job(QUEUE, "greet", {"name": "Bob"}, delay=60)
    (dead,) = dead_jobs(1)
    page = show(viewer)
    counts = re.findall(r'<a href="\?state=(\w+)"[^>]*>\w+ <span class="count">(\d+)</span>', page)
    assert counts == [("waiting", "1"), ("active", "0"), ("delayed", "1"), ("failed", "1"), ("completed", "0")]
    assert ids_in(page) == [waiting.id]
    assert ids_in(show(viewer, state="delayed")) == [delayed.id]
    assert ids_in(show(viewer, state="failed")) == [dead]


def test_a_large_count_is_capped_on_its_tab_and_says_so(viewer: Client, monkeypatch) -> None:
    monkeypatch.setattr(queue_page, "MOST", 1200)
    add_jobs(QUEUE, [("greet", {"name": "a"})] * 1200)
    assert '<span class="count">1,200</span>' in show(viewer)
    add_jobs(QUEUE, [("greet", {"name": "a"})] * 34)
    page = show(viewer)
    tab = re.search(r'<span class="count" title="1,234">(.*?)</a>', page)
    assert tab and re.sub(r"<[^>]+>", "", tab[1]).strip() == "1,200+ or more"


def test_a_row_shows_what_the_job_is_and_what_became_of_it(viewer: Client) -> None:
    job = add_job(QUEUE, "mail", {"user_id": 7, "subject": "hello " * 50}, priority=3, delay=3600)
    row = show(viewer, state="delayed").split("<tbody>")[1]
    for text in (job.id, "mail", ">7<", ">3<", "0 of 3", '{"user_id": 7, "subject": "hello', "…"):
        assert text in row
    assert "hello " * 20 not in row, "a long payload is shortened"
    assert len(re.findall(r'<time datetime="[^"]+" title="[^"]+ UTC">', row)) == 2, "when it was added and when it is due"
    fine = add_job(QUEUE, "fail", {"name": "Bob"}, attempts=1)
    run_jobs(QUEUE)
    row = show(viewer, state="failed").split("<tbody>")[1]
    assert "ValueError: no luck with Bob" in row and "1 of 1" in row and fine.id in row


def test_fields_that_are_named_in_a_setting_are_masked(viewer: Client, settings) -> None:
    settings.QUEUES_MASKED_FIELDS = ["SUBJECT"]
    add_job(QUEUE, "mail", {"user_id": 7, "subject": "private"})
    page = show(viewer)
    assert "private" not in page and "•••" in page


def test_a_page_costs_two_round_trips_whatever_the_number_of_jobs(viewer: Client) -> None:
    dead_jobs(3000)
    show(viewer)
    for query in ({}, {"size": 200}, {"name": "greet"}, {"error_class": "JobCancelled", "order": "first"}):
        with round_trips() as trips:
            show(viewer, state="failed", **query)
        assert len(trips) == 2, query


def test_a_redis_that_forgot_the_scripts_is_told_them_again(viewer: Client, connection: Redis) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"})
    connection.script_flush()
    assert ids_in(show(viewer)) == [job.id]


def test_the_filter_finds_by_name_owner_and_error_class(viewer: Client) -> None:
    mine = add_job(QUEUE, "mail", {"user_id": 7, "subject": "a"})
    other = add_job(QUEUE, "greet", {"name": "Ann"})
    assert ids_in(show(viewer, name="mail")) == [mine.id]
    assert ids_in(show(viewer, owner="7")) == [mine.id]
    assert ids_in(show(viewer, name="greet", owner="7")) == []
    assert "No job in this state matches" in show(viewer, name="nothing")
    remove_job(mine.id)
    remove_job(other.id)
    dead = dead_jobs(1)
    assert ids_in(show(viewer, state="failed", error_class="JobCancelled")) == dead
    assert ids_in(show(viewer, state="failed", error_class="ValueError")) == []


def test_a_text_is_looked_for_within_bounds_and_one_may_go_on(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "TEXT_PART", 10)
    monkeypatch.setattr(pages, "TEXT_LOOK", 20)
    ids = [job.id for job in add_jobs(QUEUE, [("greet", {"name": f"n{number}"}) for number in range(50)])]
    first = show(viewer, text="n4")
    assert ids_in(first) == [ids[4]] and "Looked at 20 of 50 jobs." in first
    second = viewer.get(f"{URL}?{link(first, 'Go on')}").content.decode()
    assert ids_in(second) == [] and "Looked at 40 of 50 jobs." in second
    third = viewer.get(f"{URL}?{link(html.unescape(second), 'Go on')}").content.decode()
    assert ids_in(third) == ids[40:50] and "Looked at 50 of 50 jobs." in third


def test_pages_do_not_shift_while_jobs_arrive_and_leave(viewer: Client) -> None:
    ids = dead_jobs(120)[::-1]
    first = show(viewer, state="failed")
    assert ids_in(first) == ids[:50] and "50 of 120" in first
    dead_jobs(30)
    second = html.unescape(viewer.get(f"{URL}?{link(first, 'Next')}").content.decode())
    assert ids_in(second) == ids[50:100]
    back = html.unescape(viewer.get(f"{URL}?{link(second, 'Previous')}").content.decode())
    assert ids_in(back) == ids[:50]


def test_order_and_size_are_kept_on_the_way(viewer: Client) -> None:
    ids = dead_jobs(120)
    first = show(viewer, state="failed", order="first", size=100)
    assert ids_in(first) == ids[:100]
    assert "order=first" in link(first, "Next") and "size=100" in link(first, "Next")
    assert "order=" not in link(first, "Waiting"), "in another state the order means another thing"


def test_the_tabs_keep_the_filter(viewer: Client) -> None:
    page = show(viewer, state="failed", name="mail", owner="7", error_class="ValueError")
    assert link(page, "Waiting") == "state=waiting&name=mail&owner=7"
    assert link(page, "Failed") == "state=failed&name=mail&owner=7&error_class=ValueError"


def test_an_id_leads_to_the_page_of_the_job(viewer: Client) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"})
    try:
        expected = reverse("admin:queues_job_change", args=[job.id.replace("_", "_5F")])
    except NoReverseMatch:
        pytest.skip("no page of a job here")
    response = viewer.get(f"{URL}?id={job.id}&state=failed")
    assert (response.status_code, response.headers["Location"]) == (302, expected)


@pytest.mark.parametrize("job_id", ["gone", "a:dependents", HOSTILE, "*", "é"])
def test_an_id_that_is_nobodys_says_so(viewer: Client, connection: Redis, job_id: str) -> None:
    connection.sadd("rq:job:a:dependents", "x")
    assert "There is no job of this id in any queue." in show(viewer, id=job_id)


CURSORS = ["~~~~", "state~1~nan~~x", "state~--1~~~x", "state~1~1_0~~x", "state~99999~~-~", "name~3~~~" + "é" * 50]
RUBBISH = ["", "x", "9" * 300, "-1", "\0", HOSTILE, "%ff", "' OR 1=1", *CURSORS]


@pytest.mark.parametrize("rubbish", RUBBISH)
@pytest.mark.parametrize("parameter", ["state", "id", "name", "owner", "error_class", "text", "order", "size", "at", "unknown"])
def test_rubbish_in_the_address_is_no_fault(viewer: Client, parameter: str, rubbish: str) -> None:
    dead_jobs(2)
    response = viewer.get(f"{URL}?{urlencode({'state': 'failed', parameter: rubbish})}")
    assert response.status_code == 200
    assert HOSTILE not in response.content.decode()


def test_hostile_texts_are_shown_and_not_run(viewer: Client, connection: Redis) -> None:
    job = add_job(QUEUE, "mail", {"user_id": 7, "subject": HOSTILE})
    connection.hset(
        f"rq:job:{job.id}", mapping={"name": HOSTILE, "owner": HOSTILE, "error": HOSTILE, "created_at": HOSTILE, "priority": HOSTILE}
    )
    connection.rpush(f"rq:queue:{QUEUE}", HOSTILE, b"\xff\xfe")
    response = viewer.get(URL)
    page = response.content.decode()
    assert response.status_code == 200
    assert HOSTILE not in page and html.escape(HOSTILE) in page


def test_a_job_that_is_gone_meanwhile_is_no_row(viewer: Client, connection: Redis) -> None:
    ids = [job.id for job in add_jobs(QUEUE, [("greet", {"name": "a"}), ("greet", {"name": "b"})])]
    connection.delete(f"rq:job:{ids[0]}")
    assert ids_in(show(viewer)) == [ids[1]]


def test_an_unknown_queue_is_a_friendly_404(viewer: Client) -> None:
    response = viewer.get("/admin/queues/queue/nothing_2Fhere/change/")
    assert response.status_code == 404
    assert "To all queues" in response.content.decode()


def test_the_page_only_reads(viewer: Client, connection: Redis) -> None:
    dead_jobs(3)
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    show(viewer, state="failed", text="n1")
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before


def test_a_viewer_sees_no_action(viewer: Client) -> None:
    dead_jobs(1)
    page = show(viewer, state="failed")
    assert 'name="action"' not in page and "_selected_action" not in page and "Drain" not in page and "actions.js" not in page


def test_a_paused_queue_without_workers_says_both(viewer: Client) -> None:
    get_queue(QUEUE).pause()
    page = show(viewer)
    assert "paused" in page and f"python manage.py rqworker {QUEUE}" in page


def test_redis_away_is_a_page_that_says_so(viewer: Client, settings) -> None:
    settings.RQ_QUEUES = {QUEUE: {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}}
    assert viewer.get(URL).status_code == 503
