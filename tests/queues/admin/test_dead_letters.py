"""Dead letters grouped by error class and job name, over all queues."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
import redis
from django.contrib.admin.models import LogEntry
from django.test import Client

from queues import add_jobs, get_queue, get_queue_stats
from queues.jobs.registry import registry
from queues.operations import dead_letters
from queues.operations.bulk_dead_letters import BULK_DEAD_LETTERS
from queues.operations.dead_letters import DeadLetterGroup, get_dead_letters, remove_group, retry_group
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.queues.urls")]

URL = "/admin/queues/deadletter/"
AWAY = {"URL": "redis://127.0.0.1:1/0", "SERIALIZER": "json"}
FAR = 315360000
FAILS = {"name": "fail", "error_class": "ValueError"}


@pytest.fixture
def dead(committed: Committed) -> None:
    """Three of `fail` with a ValueError and one of `give-up`, in one queue."""
    die(committed, ("fail", 3), ("give-up", 1))


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(make_user("view_queue", "change_queue", "remove_job"))
    return client


def die(committed: Committed, *groups: tuple[str, int]) -> None:
    with committed(execute=True):
        for name, count in groups:
            add_jobs(QUEUE, [(name, {"name": f"n{number}"}) for number in range(count)], attempts=1)
    run_jobs(QUEUE)


def plant(connection: redis.Redis, count: int, queue: str = QUEUE) -> list[str]:
    """So many of `fail` that died of a ValueError, as the scripts leave them, long ago."""
    ids = [f"{queue}-{number}" for number in range(count)]
    facts = {"status": "failed", "origin": queue, "name": "fail", "error_class": "ValueError"}
    with connection.pipeline(transaction=False) as pipeline:
        for job_id in ids:
            pipeline.hset(f"rq:job:{job_id}", mapping=facts)
        pipeline.zadd(f"rq:failed:{queue}", {job_id: FAR + 1 + number for number, job_id in enumerate(ids)})
        pipeline.zadd(f"rq:ext:{queue}:by:error:ValueError", {job_id: 1 + number for number, job_id in enumerate(ids)})
        pipeline.execute()
    return ids


def found(**wanted: str) -> dict[tuple[str, str], DeadLetterGroup]:
    return {(group.error_class, group.name): group for group in get_dead_letters(**wanted).groups}


def rows(page: str) -> list[str]:
    """Each row's header, in order."""
    return [" ".join(re.sub(r"<[^>]+>", " ", unescape(row)).split()) for row in re.findall(r'<th scope="row">(.*?)</th>', page, re.S)]


def test_failed_jobs_are_grouped_by_error_class_and_job_name(dead: None) -> None:
    groups = found()
    assert set(groups) == {("ValueError", "fail"), ("NonRetryable", "give-up")}
    group = groups["ValueError", "fail"]
    assert (group.kept, group.last_hour, group.last_day, group.last_week, group.queues) == (3, 3, 3, 3, (QUEUE,))
    assert group.first_at and group.last_at and group.first_at <= group.last_at
    assert not group.has_more


def test_a_group_spans_queues(dead: None, connection: redis.Redis) -> None:
    plant(connection, 2, "email-sync")
    group = found()["ValueError", "fail"]
    assert (group.kept, group.last_day, set(group.queues)) == (5, 3, {QUEUE, "email-sync"})
    assert group.first_at and group.first_at.year == 1970
    (only,) = get_dead_letters(["email-sync"]).groups
    assert (only.kept, only.queues) == (2, ("email-sync",))


def test_each_window_counts_its_hours(connection: redis.Redis, dead: None) -> None:
    hour = int(time.time() // 3600)
    for ago in (1, 2, 24, 25, 168, 169):
        connection.hset(f"rq:ext:{QUEUE}:hour:{hour - ago}", "error:ValueError:fail", 10**ago if ago < 3 else ago * 1000)
    group = found()["ValueError", "fail"]
    assert (group.last_hour, group.last_day, group.last_week) == (13, 113 + 24_000, 113 + 24_000 + 25_000 + 168_000)


def test_a_group_of_which_nothing_is_kept_shows_until_its_counts_are_a_week_old(connection: redis.Redis, dead: None) -> None:
    get_queue(QUEUE).remove_failed()
    group = found()["ValueError", "fail"]
    assert (group.kept, group.last_day) == (0, 3)
    connection.delete(*connection.keys(f"rq:ext:{QUEUE}:hour:*"))
    assert found() == {}


def test_what_died_before_anything_was_counted_is_there_too(connection: redis.Redis, dead: None) -> None:
    connection.delete(*connection.keys(f"rq:ext:{QUEUE}:hour:*"), *connection.keys(f"rq:ext:{QUEUE}:by:*"), f"rq:ext:{QUEUE}:errors")
    group = found()["ValueError", "fail"]
    assert (group.kept, group.last_week) == (3, 0)
    assert group.first_at and group.last_at


def test_of_very_many_the_newest_are_looked_at_and_the_index_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch, committed: Committed, dead: None
) -> None:
    with committed(execute=True):
        add_jobs(QUEUE, [("picky", {"error": "value"})] * 2, attempts=1)
    run_jobs(QUEUE)
    monkeypatch.setattr(dead_letters, "LOOK", 0)
    monkeypatch.setattr(dead_letters, "LEAST_LOOK", 2)
    letters = get_dead_letters()
    groups = {(group.error_class, group.name): group for group in letters.groups}
    assert letters.looked == {QUEUE: (2, get_queue_stats(QUEUE).failed)}
    assert (groups["NonRetryable", "give-up"].kept, groups["NonRetryable", "give-up"].has_more) == (1, False)
    # two names died of it, so that the index cannot tell: at least
    assert (groups["ValueError", "picky"].kept, groups["ValueError", "picky"].has_more) == (2, True)
    assert (groups["ValueError", "fail"].kept, groups["ValueError", "fail"].has_more) == (0, True)


def test_one_round_trip_a_server_whatever_the_number_of_jobs(connection: redis.Redis, dead: None) -> None:
    def calls() -> int:
        return int(connection.info("commandstats")["cmdstat_evalsha"]["calls"])

    get_dead_letters()
    before = calls()
    get_dead_letters()
    plant(connection, 2000)
    get_dead_letters()
    assert calls() == before + 2


def test_reading_writes_nothing(operator: Client, connection: redis.Redis, dead: None) -> None:
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    operator.get(URL)
    operator.get(f"{URL}retry/confirm/", FAILS)
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before


@pytest.mark.parametrize("part", ["errors", "by:error:ValueError"])
def test_a_stranger_in_the_place_of_a_key_breaks_nothing(connection: redis.Redis, dead: None, part: str) -> None:
    hour = int(time.time() // 3600)
    connection.delete(f"rq:ext:{QUEUE}:{part}", f"rq:ext:{QUEUE}:hour:{hour}")
    connection.set(f"rq:ext:{QUEUE}:{part}", "rubbish")
    connection.set(f"rq:ext:{QUEUE}:hour:{hour}", "rubbish")
    assert found()["ValueError", "fail"].kept == 3


def test_planted_texts_are_shown_and_not_run(operator: Client, connection: redis.Redis) -> None:
    hostile = "<script>alert(1)</script>"
    connection.hset("rq:job:planted", mapping={"status": "failed", "origin": QUEUE, "name": hostile, "error_class": f"{hostile}:&'"})
    connection.zadd(f"rq:failed:{QUEUE}", {"planted": time.time() + FAR, "no such job": 1, "not:a:job": 2})
    page = operator.get(URL).content.decode()
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2
    assert "<script>alert" not in operator.get(f"{URL}retry/confirm/", {"name": hostile, "error_class": hostile}).content.decode()


def test_the_page_sorts_and_filters_by_its_address(operator: Client, committed: Committed, dead: None) -> None:
    die(committed, ("give-up", 1))
    assert rows(operator.get(URL).content.decode()) == ["NonRetryable give-up", "ValueError fail"]
    assert rows(operator.get(URL, {"sort": "kept"}).content.decode()) == ["ValueError fail", "NonRetryable give-up"]
    assert rows(operator.get(URL, {"sort": "rubbish"}).content.decode()) == ["NonRetryable give-up", "ValueError fail"]
    assert rows(operator.get(URL, {"name": "fail"}).content.decode()) == ["ValueError fail"]
    assert rows(operator.get(URL, {"error_class": "NonRetryable"}).content.decode()) == ["NonRetryable give-up"]
    assert rows(operator.get(URL, {"queue": "embeddings"}).content.decode()) == []
    assert operator.get(URL, {"queue": "nowhere"}).status_code == 404


def test_a_group_is_retried_after_a_confirmation_that_says_how_many(operator: Client, dead: None) -> None:
    page = operator.get(f"{URL}retry/confirm/", FAILS).content.decode()
    assert "3 dead letters of ValueError in fail will be put back to waiting" in page
    assert get_queue_stats(QUEUE).failed == 4
    response = operator.post(f"{URL}retry/", {**FAILS, "expected": "3"}, follow=True)
    assert "ValueError in fail: 3 of 3 retried." in response.content.decode()
    assert (get_queue_stats(QUEUE).failed, get_queue_stats(QUEUE).waiting) == (1, 3)
    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.change_message) == ("ValueError:fail", "3 of 3 retried (ValueError in fail)")
    assert (entry.user_id, entry.action_flag) == (int(operator.session["_auth_user_id"]), 2)


def test_what_had_changed_meanwhile_is_told(operator: Client, dead: None) -> None:
    get_queue(QUEUE).retry_failed(name="fail", limit=2)
    response = operator.post(f"{URL}remove/", {**FAILS, "expected": "3"}, follow=True)
    assert "ValueError in fail: 1 of 3 removed, 2 had changed." in response.content.decode()
    assert get_queue_stats(QUEUE).failed == 1
    assert LogEntry.objects.get().action_flag == 3


def test_what_died_since_the_confirmation_is_left_alone(operator: Client, committed: Committed, dead: None) -> None:
    seen = {job.id for job in get_queue(QUEUE).jobs("failed")}
    die(committed, ("fail", 2))
    operator.post(f"{URL}remove/", {**FAILS, "expected": "3"})
    left = {job.id for job in get_queue(QUEUE).jobs("failed")}
    assert len(left) == 3 and len(left & seen) == 1


def test_what_died_since_the_confirmation_is_left_alone_though_others_were_retried_meanwhile(
    operator: Client, committed: Committed, dead: None
) -> None:
    page = operator.get(f"{URL}remove/confirm/", FAILS).content.decode()
    shown = dict(re.findall(r'<input type="hidden" name="(expected|until)" value="([^"]+)">', page))
    get_queue(QUEUE).retry_failed(name="fail", limit=2)
    run_jobs(QUEUE)
    die(committed, ("fail", 2))
    response = operator.post(f"{URL}remove/", {**FAILS, **shown}, follow=True)
    assert "1 of 3 removed, 2 had changed." in response.content.decode()
    assert found()["ValueError", "fail"].kept == 4


def test_many_are_left_to_a_job_with_progress(operator: Client, committed: Committed, dead: None, settings) -> None:
    settings.QUEUES_BULK_INLINE = 2
    page = operator.get(f"{URL}retry/confirm/", FAILS).content.decode()
    assert "So many are left to a job" in page
    shown = dict(re.findall(r'<input type="hidden" name="(expected|until)" value="([^"]+)">', page))
    with committed(execute=True):
        response = operator.post(f"{URL}retry/", {**FAILS, **shown}, follow=True)
    queue = get_queue(registry.get(BULK_DEAD_LETTERS).queue)
    (job,) = queue.jobs("waiting")
    page = response.content.decode()
    assert f"{job.id}</a> says how far it is" in page
    assert f"No worker serves the queue {queue.name}" in page and f"<code>manage.py rqworker {queue.name}</code>" in page
    assert get_queue_stats(QUEUE).failed == 4, "it waits for a worker"
    assert run_jobs(queue.name) == 1
    assert (get_queue_stats(QUEUE).failed, get_queue_stats(QUEUE).waiting) == (1, 3)
    assert (queue.get(job.id).progress, queue.history(job.id)[0].result) == (100, {"matched": 3, "done": 3})
    told = [(entry.object_id, entry.change_message) for entry in LogEntry.objects.order_by("pk")]
    assert told == [
        ("ValueError:fail", f"retry, 3 (ValueError in fail): left to the job {job.id}"),
        ("ValueError:fail", f"Job {job.id}: retry, 3 of 3 (ValueError in fail)"),
    ]
    assert LogEntry.objects.filter(user_id=operator.session["_auth_user_id"]).count() == 2


def test_a_group_of_one_queue_alone(operator: Client, connection: redis.Redis, dead: None) -> None:
    plant(connection, 2, "email-sync")
    operator.post(f"{URL}remove/", {**FAILS, "queue": "email-sync", "expected": "2"})
    assert (get_queue_stats("email-sync").failed, get_queue_stats(QUEUE).failed) == (0, 4)
    response = operator.post(f"{URL}retry/", {**FAILS, "expected": "3"}, follow=True)
    assert "3 of 3 retried" in response.content.decode()


@pytest.mark.parametrize("expected", ["", "0", "-1", "x", "1e3", "²", "9" * 13])
def test_a_number_of_rubbish_acts_on_nothing(operator: Client, dead: None, expected: str) -> None:
    operator.post(f"{URL}remove/", {**FAILS, "expected": expected})
    assert get_queue_stats(QUEUE).failed == 4


def test_a_group_that_is_gone_is_a_friendly_404(operator: Client, dead: None) -> None:
    response = operator.get(f"{URL}remove/confirm/", {"name": "fail", "error_class": "KeyError"})
    assert response.status_code == 404
    assert "No dead letter of fail with KeyError is kept any more." in response.content.decode()


def test_jobs_that_plain_rq_left_without_a_name_are_a_group_of_their_own(operator: Client, connection: redis.Redis, dead: None) -> None:
    for number in range(2):
        connection.hset(f"rq:job:plain{number}", mapping={"status": "failed", "origin": QUEUE})
        connection.zadd(f"rq:failed:{QUEUE}", {f"plain{number}": time.time() + number})
    assert found()["", ""].kept == 2
    assert "2 dead letters of an unknown error in unnamed jobs" in operator.get(f"{URL}remove/confirm/").content.decode()
    operator.post(f"{URL}remove/", {"expected": "2"})
    assert not connection.exists("rq:job:plain0", "rq:job:plain1")
    assert get_queue_stats(QUEUE).failed == 4


def test_ten_thousand_are_retried_in_under_twenty_round_trips(connection: redis.Redis) -> None:
    plant(connection, 10_000)

    def calls() -> int:
        return connection.info("commandstats")["cmdstat_evalsha"]["calls"]

    retry_group([QUEUE], **FAILS, expected=0)
    before = calls()
    outcome = retry_group([QUEUE], **FAILS, expected=10_000)
    assert (outcome.done, outcome.changed) == (10_000, 0)
    assert calls() - before < 20


def test_two_who_retry_and_two_who_remove_a_group_at_once_meet_each_job_once(connection: redis.Redis) -> None:
    plant(connection, 3000)
    with ThreadPoolExecutor(4) as pool:
        acts = [pool.submit(act, [QUEUE], **FAILS, expected=3000) for act in (retry_group, remove_group) * 2]
    retried, removed = (sum(act.result().done for act in acts[first::2]) for first in (0, 1))
    assert retried + removed == 3000
    assert (get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).failed) == (retried, 0)


def test_redis_away_is_a_page_that_says_so_within_two_seconds(operator: Client, settings) -> None:
    settings.RQ_QUEUES = {"one": AWAY, "two": AWAY}
    start = time.monotonic()
    response = operator.get(URL)
    assert response.status_code == 503
    assert time.monotonic() - start < 2


def test_one_redis_away_hides_no_queue_of_another(operator: Client, dead: None, settings) -> None:
    settings.RQ_QUEUES = {"away": AWAY, **settings.RQ_QUEUES}
    page = operator.get(URL).content.decode()
    assert "ValueError fail" in rows(page)
    assert "away is missing here" in page


def test_the_log_of_the_admin_leads_back_to_the_group(operator: Client, dead: None) -> None:
    response = operator.get(f"{URL}ValueError_3Afail/change/")
    assert response.status_code == 302
    assert response["Location"] == f"{URL}?error_class=ValueError&name=fail"


def test_a_name_of_megabytes_is_refused(client: Client) -> None:
    client.force_login(make_user("view_queue", "remove_job"))
    data = {"queue": QUEUE, "name": "x" * 2_000_000, "error_class": "ValueError", "expected": "99999"}
    assert client.post("/admin/queues/deadletter/remove/", data).status_code == 400
    assert get_queue_stats(QUEUE).counts()["waiting"] == 0
