"""The page of a schedule, and its row on the overview."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client

from queues import get_queue, get_schedule, job, schedule
from queues.jobs.registry import registry
from queues.store import keys
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.admin.queue.test_overview import URL, cells, text_of
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db

NAME = "weekly/<b>report"
RUN = "waiting 1760000000 1760000000.5 the-job"
PAGE = "/admin/queues/schedule/weekly_2F_3Cb_3Ereport/change/"


@pytest.fixture(autouse=True)
def scheduled() -> Iterator[None]:
    """A schedule that fails, with a name that could do harm."""

    @schedule(cron="30 5 * * mon", timezone="Europe/Budapest", name=NAME)
    @job(name="report", queue=QUEUE, attempts=1)
    def report() -> None:
        raise ValueError("<script>alert(1)</script>")

    yield
    registry.unregister("report")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue", "change_queue"))
    return client


def test_a_schedule_is_told_in_words_with_its_last_and_next_run(operator: Client) -> None:
    when, queue, last, following, _ = cells(operator.get(URL).content.decode(), "weekly/&lt;b&gt;report")
    assert (when, queue, last) == ("At 05:30, only on Monday (Europe/Budapest)", QUEUE, "never")
    assert re.fullmatch(r"in (\d d( \d+ h)?|\d+ h( \d+ min)?|\d+ min( \d+ s)?|\d+ s)", following)
    get_schedule(NAME).run_now()
    get_schedule(NAME).disable()
    _, _, last, following, _ = cells(operator.get(URL).content.decode(), "weekly/&lt;b&gt;report")
    assert re.fullmatch(r"\d seconds? ago", last)
    assert following == "disabled"


def test_its_page_tells_every_fact(operator: Client) -> None:
    page = operator.get(PAGE).content.decode()
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert facts["When"] == "At 05:30, only on Monday (Europe/Budapest) <code>30 5 * * mon</code>"
    assert (facts["Job"], facts["Last run"]) == ("report", "never")
    assert "enabled" in facts["State"]
    assert f"{get_schedule(NAME).next_at:%Y-%m-%d %H:%M:%S}" in facts["Next run"]
    assert "It never ran." in page


def test_past_runs_say_what_became_of_their_jobs_and_show_no_harm(operator: Client) -> None:
    ended = get_schedule(NAME).run_now()
    run_jobs(QUEUE)
    get_schedule(NAME).run_now()
    page = operator.get(PAGE).content.decode()
    rows = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>(.*?)</tr>", page.split('id="runs"')[1], re.S)[1:]]
    assert "by hand" in rows[0] and "waiting" in rows[0]
    assert ended.id in rows[1] and "failed" in rows[1] and "&lt;script&gt;alert(1)" in rows[1]
    assert "<script>alert" not in page
    get_queue(QUEUE).remove(ended.id)
    assert "removed or trimmed since" in operator.get(PAGE).content.decode()


def test_times_passed_over_for_a_waiting_run_are_told_as_one(operator: Client, connection) -> None:
    connection.lpush(keys.schedule_runs(NAME), f"{RUN} 1234", "slot rubbish", "waiting x y", f"{RUN} {'9' * 5000}")
    page = operator.get(PAGE).content.decode()
    assert "1,234 times, the last 2025-10-09" in text_of(page)
    assert "none added: this job still waited" in page
    assert page.split('id="runs"')[1].count('<th scope="row"') == 1, "what cannot be read is left out"


def test_the_page_of_all_schedules_is_the_overview(operator: Client) -> None:
    assert operator.get("/admin/queues/schedule/").headers["Location"] == f"{URL}#schedules"


def test_schedules_of_queues_that_are_not_configured_are_left_out(operator: Client, settings) -> None:
    settings.RQ_QUEUES = {"other": settings.RQ_QUEUES[QUEUE]}
    response = operator.get(URL)
    assert response.status_code == 200
    assert "No registered job has a schedule." in response.content.decode()
