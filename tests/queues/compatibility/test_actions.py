"""What django-rq's pages and RQ's commands do to our jobs ends in states that our worker handles."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django_rq import get_queue as get_rq_queue
from redis import Redis
from rq.job import Job as StockJob

from queues import QueueStats, add_job, get_queue, get_queue_stats
from queues.store import index
from queues.testing import run_jobs
from queues.worker.leases import renew
from queues.worker.outcomes import completed
from queues.worker.settling import settle
from tests.processes import wait_until
from tests.queues.compatibility.states import claim, seconds_ago
from tests.testapp.jobs import QUEUE, fail, give_up, greet, greet_all, mail, spin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.queues.compatibility.urls")]
Traces = Callable[[], list[str]]


def rq_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "rq"), *arguments, "-u", settings.RQ_QUEUES[QUEUE]["URL"], "-S", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stderr
    return done


def left_behind(connection: Redis) -> set[bytes]:
    """Keys of ours and of jobs that do not expire, but for the queue's own, once the hourly clean-up has mended the index."""
    index.prune(connection)
    own = (
        b"rq:ext:notifications:totals",
        b"rq:ext:notifications:counts",
        b"rq:ext:notifications:wake",
        b"rq:queues",
        b"tests:trace",
        b"rq:queue:notifications",
    )
    return {key for key in connection.scan_iter() if connection.ttl(key) == -1 and key not in own and not key.startswith(b"rq:worker")}


def dead(connection: Redis) -> str:
    """A job of three attempts that has used them all."""
    job = fail.using(backoff=0).enqueue(name="Ann")
    while run_jobs(QUEUE):
        pass
    assert get_queue(QUEUE).get(job.id).attempts_made == 3
    return job.id


def through_the_page(client: Client, page: str, job_id: str) -> None:
    assert client.post(f"{page}{job_id}/requeue/").status_code == 302


def through_the_bulk_action(client: Client, page: str, job_id: str) -> None:
    action = page.replace("queues/", "queues/actions/", 1)
    assert client.post(action, {"action": "requeue", "job_ids": [job_id]}).status_code == 302


def through_requeue_all(client: Client, page: str, job_id: str) -> None:
    assert client.post(f"{page}requeue-all/").status_code == 302


def through_rq(client: Client, page: str, job_id: str) -> None:
    rq_command("requeue", "--queue", QUEUE, job_id)


@pytest.mark.parametrize("requeue", [through_the_page, through_the_bulk_action, through_requeue_all, through_rq])
def test_a_dead_letter_requeued_by_stock_tools_has_all_its_attempts_again(
    client: Client, page: str, connection: Redis, traces: Traces, requeue: Callable[[Client, str, str], None]
) -> None:
    job_id = dead(connection)
    requeue(client, page, job_id)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
    while run_jobs(QUEUE):
        pass
    assert traces() == ["start Ann"] * 6
    assert get_queue(QUEUE).get(job_id).attempts_made == 3
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)


def test_a_completed_job_requeued_in_bulk_runs_again(client: Client, page: str, traces: Traces) -> None:
    job = greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    through_the_bulk_action(client, page, job.id)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
    run_jobs(QUEUE)
    assert traces().count("start Ann") == 2
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_a_waiting_job_that_is_queued_twice_runs_once(client: Client, page: str, traces: Traces) -> None:
    job = greet.enqueue(name="Ann")
    through_the_bulk_action(client, page, job.id)
    assert get_queue_stats(QUEUE).waiting == 2
    run_jobs(QUEUE)
    assert traces().count("start Ann") == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_deleting_a_job_of_any_state_leaves_nothing_of_it(client: Client, page: str, connection: Redis) -> None:
    greet.enqueue(name="completed")
    give_up.enqueue(name="failed")
    run_jobs(QUEUE)
    greet.enqueue(name="waiting")
    greet.using(priority=3).enqueue(name="prioritized")
    mail.enqueue(user_id=1, subject="owned")
    greet.using(delay=60).enqueue(name="delayed")
    add_job(QUEUE, "greet", {"name": "deduplicated"}, dedupe="once")
    for key in list(connection.scan_iter("rq:job:*")):
        assert client.post(f"{page}{key.decode().removeprefix('rq:job:')}/delete/").status_code == 302
    assert run_jobs(QUEUE) == 0
    assert get_queue_stats(QUEUE) == QueueStats()
    assert left_behind(connection) == set()
    add_job(QUEUE, "greet", {"name": "deduplicated"}, dedupe="once")
    assert run_jobs(QUEUE) == 1, "the key of a job that was deleted holds nobody up"


def test_emptying_a_queue_deletes_what_waits_in_rqs_list(client: Client, page: str, connection: Redis) -> None:
    greet.enqueue(name="waiting")
    greet.using(priority=3).enqueue(name="prioritized")
    assert client.post(f"{page}empty/").status_code == 302
    greet.enqueue(name="waiting")
    rq_command("empty", QUEUE)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1), "RQ knows nothing of priorities"
    assert run_jobs(QUEUE) == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_clearing_the_failed_ones_deletes_them(client: Client, page: str, connection: Redis) -> None:
    give_up.enqueue(name="failed")
    run_jobs(QUEUE)
    assert client.post(f"{page}failed/clear/").status_code == 302
    assert get_queue_stats(QUEUE) == QueueStats()
    assert left_behind(connection) == set()


def test_a_delayed_job_enqueued_by_the_page_runs_once(client: Client, page: str, traces: Traces) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"}, delay=3600, dedupe="ann")
    assert client.post(f"{page}{job.id}/enqueue/").status_code == 302
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)
    run_jobs(QUEUE)
    assert traces().count("start Ann") == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_rqs_cancel_keeps_a_prioritized_job_from_running(connection: Redis, traces: Traces) -> None:
    for options in ({}, {"priority": 2}):
        job = greet.using(**options).enqueue(name="Ann")  # type: ignore[arg-type]
        StockJob.fetch(job.id, connection=connection, serializer="json").cancel()
    assert run_jobs(QUEUE) == 0
    assert traces() == []
    assert get_queue_stats(QUEUE) == QueueStats()


def test_stopping_a_running_job_interrupts_it(client: Client, page: str, start_worker: Callable[..., object], traces: Traces) -> None:
    job = spin.enqueue(seconds=30)
    start_worker(QUEUE)
    wait_until(traces)
    assert client.post(f"{page}{job.id}/stop/").status_code == 302
    wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(failed=1))
    assert get_queue(QUEUE).get(job.id).error_class == "JobCancelled"


def test_stopping_an_item_of_a_batch_ends_it_when_the_batch_does(
    client: Client, page: str, start_worker: Callable[..., object], traces: Traces
) -> None:
    job = greet_all.enqueue(name="Ann", seconds=1.5, fails=5)
    start_worker(QUEUE)
    wait_until(traces)
    assert client.post(f"{page}{job.id}/stop/").status_code == 302
    wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(failed=1))
    assert get_queue(QUEUE).get(job.id).error_class == "JobCancelled"


def test_deleting_a_running_job_lets_it_end_without_a_trace(client: Client, page: str, connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    claims = [seconds_ago(each, 30) for each in claim(connection)]
    renew(connection, "holder", claims)
    assert client.post(f"{page}{job.id}/delete/").status_code == 302
    renew(connection, "holder", claims)
    assert client.get(f"{page}started/").status_code == 200, "traces of a job that is gone would break it"
    assert connection.keys("rq:wip:*") == []


def test_a_run_that_ended_while_its_lease_was_renewed_leaves_no_trace(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    claims = [seconds_ago(each, 30) for each in claim(connection)]
    settle(connection, "holder", [completed(claims[0], None)])
    renew(connection, "holder", claims)
    assert connection.keys("rq:wip:*") + connection.keys("rq:execution*") + connection.keys("rq:worker:*") == []


def test_rqsuspend_stops_claims_and_rqresume_lets_them_go_on(connection: Redis, traces: Traces, settings: object) -> None:
    with pytest.raises(KeyError, match="default"):
        call_command("rqsuspend")  # django-rq's knows the Redis of a queue called `default` only
    rq_command("suspend")
    greet.enqueue(name="Ann")
    assert (run_jobs(QUEUE), get_queue_stats(QUEUE).waiting) == (0, 1)
    rq_command("resume")
    assert run_jobs(QUEUE) == 1


def test_rqenqueue_and_rq_enqueue_run_registered_functions(traces: Traces) -> None:
    call_command("rqenqueue", "tests.testapp.jobs.add", "1", "2", queue=QUEUE, verbosity=0)
    rq_command("enqueue", "-q", QUEUE, "tests.testapp.jobs.add", "first=3")
    assert run_jobs(QUEUE) == 2
    assert traces() == ["add 1 2", "add 3 0"]


def test_a_job_enqueued_again_under_its_id_is_not_trimmed_with_its_former_self(connection: Redis, traces: Traces) -> None:
    queue = get_rq_queue(QUEUE)
    for _ in range(2):
        queue.enqueue("tests.testapp.jobs.greet", name="Ann", job_id="again")
        run_jobs(QUEUE)
    queue.enqueue("tests.testapp.jobs.greet", name="Ann", job_id="again")
    assert get_queue(QUEUE).clean(0) == 1
    assert run_jobs(QUEUE) == 1
    assert traces().count("start Ann") == 3


@pytest.mark.parametrize("delay", [0, 3600])
def test_a_job_that_enqueues_itself_again_under_its_id_runs_again(connection: Redis, traces: Traces, delay: int) -> None:
    queue = get_rq_queue(QUEUE)
    queue.enqueue("tests.testapp.jobs.add", 1, job_id="loop")
    (held,) = claim(connection)
    if delay:
        queue.enqueue_in(timedelta(seconds=delay), "tests.testapp.jobs.add", 2, job_id="loop")
    else:
        queue.enqueue("tests.testapp.jobs.add", 2, job_id="loop")
    settle(connection, "holder", [completed(held, None)])
    assert get_queue_stats(QUEUE) == (QueueStats(delayed=1) if delay else QueueStats(waiting=1))
    assert get_queue(QUEUE).clean(0) == 0
    get_queue(QUEUE).promote("loop")
    assert run_jobs(QUEUE) == 1
    assert traces() == ["add 2 0"]
