"""Mixed fleets: stock RQ workers beside ours on one queue, old producers with new workers, a queue that pickles stand in."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import django_rq
import pytest
import rq
from redis import Redis
from rq.cron import CronJob
from rq.job import Job as StockJob
from rq.registry import StartedJobRegistry
from rq.utils import utcformat
from rq.worker import Worker as StockWorker

from queues import Keep, QueueStats, add_job, add_jobs, get_jobs, get_queue, get_queue_stats
from queues.operations.dead_letters import get_dead_letters
from queues.store.connection import new_connection
from queues.testing import run_jobs
from tests.processes import StartWorker, wait_until
from tests.queues.compatibility.states import snapshot
from tests.queues.compatibility.test_readers import read_jobs, read_registries
from tests.testapp.jobs import QUEUE, add, bridge, fail, greet, greet_all, hold, mail, release_held, tell

Traces = Callable[[], list[str]]


@pytest.fixture
def run_stock() -> Iterator[Callable[..., None]]:
    """A stock worker of RQ that works in this process until the queue is empty."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(serializer: str = "json") -> None:
        with closing(new_connection(QUEUE)) as client:
            rq.SimpleWorker([QUEUE], connection=client, serializer=serializer).work(burst=True)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def pickled(connection: Redis) -> rq.Queue:
    """A queue of a project that has not changed its serializer."""
    return rq.Queue(QUEUE, connection=new_connection(QUEUE))


def test_a_stock_worker_and_ours_run_every_job_once(start_worker: StartWorker, traces: Traces) -> None:
    add_jobs(QUEUE, [("add", {"first": number}) for number in range(300)])
    workers = [start_worker(QUEUE, "--burst"), start_worker(QUEUE, "--worker-class", "rq.SimpleWorker", "--burst")]
    for worker in workers:
        output, _ = worker.communicate(timeout=60)
        assert worker.returncode == 0, output
    assert sorted(traces()) == sorted(f"add {number} 0" for number in range(300))
    assert (get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).failed) == (0, 0)


def test_a_stock_worker_runs_jobs_of_every_style_and_keeps_their_progress(run_stock: Callable[..., None], traces: Traces) -> None:
    told, greeted = tell.enqueue(steps=2), greet_all.enqueue(name="Ann")
    run_stock()
    assert traces() == [f"told {told.id}", "batch 1 Ann"]
    assert (told.refresh().progress, told.logs(), told.attempts_history()[0].result) == (100, ["step 0", "step 1"], 2)
    assert greeted.refresh().state == "completed"


def test_a_stock_worker_leaves_jobs_with_a_priority_an_owner_or_a_delay(run_stock: Callable[..., None], traces: Traces) -> None:
    greet.using(priority=-1).enqueue(name="urgent")
    mail.enqueue(user_id=1, subject="owned")
    greet.using(delay=60).enqueue(name="delayed")
    run_stock()
    assert traces() == []
    assert run_jobs(QUEUE, delayed=True) == 3


def test_a_stock_worker_does_not_honour_a_pause(run_stock: Callable[..., None], traces: Traces) -> None:
    add.enqueue(first=1)
    get_queue(QUEUE).pause()
    assert run_jobs(QUEUE) == 0
    run_stock()
    assert traces() == ["add 1 0"]


def test_what_fails_in_a_stock_worker_is_a_dead_letter_at_once_and_our_retry_starts_anew(
    run_stock: Callable[..., None], traces: Traces
) -> None:
    job = fail.using(backoff=0).enqueue(name="Ann")
    run_stock()
    assert (get_queue_stats(QUEUE), traces()) == (QueueStats(failed=1), ["start Ann"])
    assert "no luck with Ann" in job.attempts_history()[0].traceback
    assert job.refresh().retry()
    while run_jobs(QUEUE):
        pass
    assert traces() == ["start Ann"] * 4
    assert job.refresh().attempts_made == 3


def test_what_a_stock_worker_completed_expires_after_rqs_500_seconds_and_is_not_in_the_totals(
    run_stock: Callable[..., None], connection: Redis
) -> None:
    job = add.enqueue(first=1)
    run_stock()
    assert 0 < connection.ttl(f"rq:job:{job.id}") <= 500
    assert (get_queue_stats(QUEUE).completed, get_queue_stats(QUEUE).completed_total) == (1, 0)


def test_what_a_stock_worker_ended_is_as_old_as_it_is_although_rq_writes_when_it_expires(
    run_stock: Callable[..., None], connection: Redis
) -> None:
    old, recent = fail.enqueue(name="Ann"), fail.enqueue(name="Bob")
    add.enqueue(first=1)
    run_stock()
    connection.hset(f"rq:job:{old.id}", "ended_at", utcformat(datetime.now(UTC) - timedelta(hours=2)))
    group = get_dead_letters([QUEUE]).groups[0]
    assert group.first_at and group.last_at and group.last_at - group.first_at > timedelta(hours=1, minutes=50)
    assert datetime.now(UTC) - group.last_at < timedelta(minutes=5)

    queue = get_queue(QUEUE)
    assert queue.clean(3600, dry_run=True) == 1
    fail.using(attempts=1, keep_failed=Keep(age=timedelta(hours=1))).enqueue(name="Eve")
    run_jobs(QUEUE)
    assert [job.data["name"] for job in get_jobs(QUEUE, "failed")] == ["Eve", "Bob"]
    assert (queue.clean(3600), recent.refresh().state, get_queue_stats(QUEUE).completed) == (0, "failed", 1)
    assert queue.clean(0) == 3


def test_a_dedupe_key_that_a_stock_worker_left_holds_nobody_up(run_stock: Callable[..., None], connection: Redis) -> None:
    first = add_job(QUEUE, "add", {"first": 1}, dedupe="one")
    run_stock()
    assert connection.ttl(f"rq:ext:{QUEUE}:dedupe:one") > 0
    second = add_job(QUEUE, "add", {"first": 1}, dedupe="one")
    assert second.id != first.id
    assert run_jobs(QUEUE) == 1
    assert not connection.exists(f"rq:ext:{QUEUE}:dedupe:one")


def test_what_a_killed_stock_worker_ran_is_failed_by_rqs_own_cleaning_and_can_be_retried(connection: Redis, traces: Traces) -> None:
    """No lease of ours protects it: RQ's cleaning, which every count in its pages runs, finds it overdue."""
    job = add.enqueue(first=1)
    connection.lpop(f"rq:queue:{QUEUE}")
    connection.hset(f"rq:job:{job.id}", mapping={"status": "started", "worker_name": "killed"})
    connection.zadd(f"rq:wip:{QUEUE}", {f"{job.id}:execution": time.time() - 1})
    assert run_jobs(QUEUE) == 0
    assert StartedJobRegistry(queue=django_rq.get_queue(QUEUE)).count == 0
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)
    assert job.refresh().retry()
    assert run_jobs(QUEUE) == 1
    assert traces() == ["add 1 0"]


def test_a_job_whose_stock_retries_are_used_up_asks_for_nothing_more_and_runs_here(
    run_stock: Callable[..., None], pickled: rq.Queue, traces: Traces
) -> None:
    plain = rq.Queue(QUEUE, connection=pickled.connection, serializer="json")
    job = plain.enqueue("tests.testapp.jobs.add", -1, retry=rq.Retry(max=1))
    run_stock()
    assert traces() == ["add -1 0"] * 2
    plain.failed_job_registry.requeue(job.id)
    run_jobs(QUEUE)
    assert traces() == ["add -1 0"] * 3


def test_readers_do_a_busy_worker_no_harm(start_worker: StartWorker, connection: Redis, traces: Traces) -> None:
    job = hold.enqueue()
    own = ("rq:worker:", f"rq:ext:{QUEUE}:reaper")
    start_worker(QUEUE, "--no-schedules")  # what they add would be a difference, too
    wait_until(lambda: connection.zcard(f"rq:wip:{QUEUE}"))  # when the lease is renewed, as it is again after ten seconds
    before = snapshot(connection, but=own)
    for read in (read_jobs, read_registries):
        with closing(new_connection(QUEUE)) as client:
            read(client)
    with closing(new_connection(QUEUE)) as client:
        (worker,) = StockWorker.all(client, serializer="json")
        assert (worker.get_current_job().id, worker.queue_names()) == (job.id, [QUEUE])
    assert snapshot(connection, but=own) == before
    release_held()
    wait_until(lambda: get_queue_stats(QUEUE) == QueueStats(completed=1))
    assert traces() == ["start hold", "end hold"]
    assert connection.keys("rq:wip:*") + connection.keys("rq:execution*") + connection.keys("rq:worker:*:executions") == []


def test_old_producers_reach_new_workers_without_ringing(start_worker: StartWorker, traces: Traces) -> None:
    start_worker(QUEUE)
    wait_until(lambda: get_queue(QUEUE).workers())
    queue = django_rq.get_queue(QUEUE, queue_class="django_rq.queues.DjangoRQ", job_class=StockJob)
    queue.enqueue("tests.testapp.jobs.add", 1)
    queue.enqueue_in(timedelta(0), "tests.testapp.jobs.add", 2)
    wait_until(lambda: sorted(traces()) == ["add 1 0", "add 2 0"])


def test_jobs_pickled_before_the_move_are_run_by_a_stock_worker_that_drains_them(
    run_stock: Callable[..., None], pickled: rq.Queue, traces: Traces
) -> None:
    pickled.enqueue("tests.testapp.jobs.bridge", 1)
    pickled.enqueue("tests.testapp.jobs.add", 2)
    pickled.enqueue_in(timedelta(hours=1), "tests.testapp.jobs.add", 3)
    queue = get_queue(QUEUE)
    assert queue.promote_many(queue.job_ids("delayed")) == 1
    run_stock("pickle")
    assert traces() == ["bridge 1 0", "add 2 0", "add 3 0"]


def test_pickled_jobs_that_remain_are_parked_and_can_be_removed_together(pickled: rq.Queue, traces: Traces) -> None:
    pickled.enqueue("tests.testapp.jobs.add", 1)
    add.enqueue(first=2)
    run_jobs(QUEUE)
    assert traces() == ["add 2 0"]
    assert "not JSON" in get_jobs(QUEUE, "failed")[0].error
    assert get_queue(QUEUE).remove_failed(text="pickle serializer") == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_rqs_cron_enqueues_pickles_which_are_parked(connection: Redis, traces: Traces) -> None:
    CronJob(QUEUE, func=bridge, args=(1,), interval=60).enqueue(new_connection(QUEUE))
    run_jobs(QUEUE)
    assert traces() == []
    assert "not JSON" in get_jobs(QUEUE, "failed")[0].error
