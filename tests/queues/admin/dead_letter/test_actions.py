"""Groups of dead letters retried and removed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.contrib.admin.models import LogEntry
from django.test import Client

from queues import get_queue, get_queue_stats
from queues.jobs.registry import registry
from queues.operations.bulk_dead_letters import BULK_DEAD_LETTERS
from queues.operations.dead_letter_acts import remove_group, retry_group
from queues.testing import run_jobs
from tests.queues.accounts import make_user
from tests.queues.admin.dead_letter.conftest import FAILS, URL, die, found, plant
from tests.queues.filling import Committed
from tests.testapp.jobs import QUEUE

pytestmark = pytest.mark.django_db


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


def test_a_name_of_megabytes_is_refused(client: Client) -> None:
    client.force_login(make_user("view_queue", "remove_job"))
    data = {"queue": QUEUE, "name": "x" * 2_000_000, "error_class": "ValueError", "expected": "99999"}
    assert client.post("/admin/queues/deadletter/remove/", data).status_code == 400
    assert get_queue_stats(QUEUE).counts()["waiting"] == 0
