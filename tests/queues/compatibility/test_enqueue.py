"""django-rq's and RQ's own enqueue on our queues: registered functions run as their jobs, what nobody would honour is refused."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import django_rq
import pytest
import rq
from redis import Redis
from rq import Callback, RateLimit, Repeat, Retry, Webhook
from rq.exceptions import DuplicateJobError
from rq.job import Job as StockJob

from queues import InvalidPayload, QueueStats, get_jobs, get_queue, get_queue_stats
from queues.exceptions import UnsupportedByQueues
from queues.store.connection import new_connection
from queues.testing import run_jobs
from tests.queues.conftest import wait_until
from tests.testapp.jobs import QUEUE, add, bridge, greet, greet_all, greet_model

ADD = "tests.testapp.jobs.add"
Traces = Callable[[], list[str]]


@pytest.fixture
def plain(connection: Redis) -> rq.Queue:
    """A queue as a project without `queues` has it."""
    return rq.Queue(QUEUE, connection=new_connection(QUEUE), serializer="json")


def stock(job_id: str) -> StockJob:
    return StockJob.fetch(job_id, connection=new_connection(QUEUE), serializer="json")


@pytest.mark.parametrize("function", [add, add.definition.function, ADD])
@pytest.mark.parametrize(("args", "kwargs"), [((1, 2), {}), ((1,), {"second": 2}), ((), {"first": 1, "second": 2})])
def test_a_registered_function_is_enqueued_as_its_job(function: Any, args: Any, kwargs: Any, traces: Traces) -> None:
    job = django_rq.get_queue(QUEUE).enqueue(function, *args, **kwargs)
    assert (job.description, job.timeout) == ("add", 77)
    (waiting,) = get_jobs(QUEUE, "waiting")
    assert (waiting.name, waiting.data) == ("add", {"first": 1, "second": 2})
    assert run_jobs(QUEUE) == 1
    assert traces() == ["add 1 2"]
    assert stock(job.id).return_value() == 3


def test_models_and_batches_are_enqueued_by_their_fields(traces: Traces) -> None:
    queue = django_rq.get_queue(QUEUE)
    queue.enqueue(greet_model, name="Ann")
    queue.enqueue(greet_model, {"name": "Bob"})
    queue.enqueue(greet_all, name="Cleo")
    assert run_jobs(QUEUE) == 3
    assert get_queue_stats(QUEUE) == QueueStats(completed=3)
    assert traces() == ["batch 1 Cleo"]


def test_arguments_that_do_not_fit_are_refused_before_anything_reaches_redis(connection: Redis) -> None:
    queue = django_rq.get_queue(QUEUE)
    for args, kwargs in [((), {}), (("many",), {}), ((1, 2, 3), {}), ((1,), {"third": 3})]:
        with pytest.raises(InvalidPayload, match="add"):
            queue.enqueue(add, *args, **kwargs)
    assert connection.keys("rq:job:*") == []


def test_a_job_enqueued_so_has_the_attempts_and_the_back_off_of_its_definition(traces: Traces) -> None:
    django_rq.get_queue(QUEUE).enqueue(add, -1)
    run_jobs(QUEUE)
    assert get_queue_stats(QUEUE) == QueueStats(delayed=1)
    wait_until(lambda: run_jobs(QUEUE))
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)
    assert traces() == ["add -1 0"] * 2


def test_rqs_options_are_kept(connection: Redis) -> None:
    queue = django_rq.get_queue(QUEUE)
    queue.enqueue(add, 1)
    job = queue.enqueue(add, args=[2], job_id="mine", description="Two", job_timeout=5, meta={"a": 1}, ttl=60, at_front=True)
    assert get_jobs(QUEUE, "waiting")[0].id == "mine"
    found = stock("mine")
    assert (found.description, found.timeout, found.meta, found.ttl) == ("Two", 5, {"a": 1}, 60)
    assert 0 < connection.ttl(job.key) <= 60
    third = queue.create_job(add, (3,), None, 6, None, None, None, "Three", None, "positional")  # as RQ's command line does
    assert (third.id, third.description, third.timeout) == ("positional", "Three", 6)


def test_a_job_whose_ttl_has_passed_never_runs(connection: Redis, plain: rq.Queue, traces: Traces) -> None:
    for queue in (plain, django_rq.get_queue(QUEUE)):
        job = queue.enqueue(ADD, first=1, ttl=1)
        wait_until(lambda job=job: not connection.exists(job.key))
    assert run_jobs(QUEUE) == 0
    assert (traces(), get_queue_stats(QUEUE)) == ([], QueueStats())


def test_results_are_kept_by_count_whatever_rqs_times_say(connection: Redis) -> None:
    job = django_rq.get_queue(QUEUE).enqueue(add, 1, result_ttl=0, failure_ttl=1)
    run_jobs(QUEUE)
    assert connection.ttl(job.key) == -1
    assert stock(job.id).return_value() == 1


def test_delayed_jobs_are_never_early_and_at_most_a_second_late(connection: Redis) -> None:
    queue, start = django_rq.get_queue(QUEUE), time.time()
    jobs = [queue.enqueue_in(timedelta(seconds=0.4), add, 1), queue.enqueue_at(datetime.now(UTC) + timedelta(seconds=0.4), add, 2)]
    for job in jobs:
        assert start + 0.4 <= connection.zscore(f"rq:scheduled:{QUEUE}", job.id) <= time.time() + 1.4
    assert connection.llen(f"rq:ext:{QUEUE}:wake") == 1
    assert get_queue_stats(QUEUE) == QueueStats(delayed=2)
    assert run_jobs(QUEUE) == 0
    wait_until(lambda: run_jobs(QUEUE) + get_queue_stats(QUEUE).completed == 2)


def test_many_are_enqueued_in_one_call_and_in_a_group(traces: Traces) -> None:
    queue = django_rq.get_queue(QUEUE)
    data = [queue.prepare_data(add, [number], timeout=9 if number else None) for number in range(3)]
    jobs = queue.enqueue_many(data, group_id="together")
    assert [job.timeout for job in jobs] == [77, 9, 9]
    assert run_jobs(QUEUE) == 3
    assert traces() == ["add 0 0", "add 1 0", "add 2 0"]


def test_unique_jobs_ring_and_hold_while_their_hash_is_kept(connection: Redis) -> None:
    queue = django_rq.get_queue(QUEUE)
    queue.enqueue(add, 1, job_id="only", unique=True)
    assert connection.llen(f"rq:ext:{QUEUE}:wake") == 1
    assert run_jobs(QUEUE) == 1
    with pytest.raises(DuplicateJobError):
        queue.enqueue(add, 1, job_id="only", unique=True)


def test_django_rqs_decorator_needs_the_function_to_be_allowed(settings: Any, traces: Traces) -> None:
    delay = django_rq.job(QUEUE)(bridge).delay
    delay(1, second=2)
    run_jobs(QUEUE)
    assert "neither a registered job" in get_jobs(QUEUE, "failed")[0].error
    settings.QUEUES_ALLOWED_FUNCTIONS = ["tests.testapp.jobs.bridge"]
    job = delay(1, second=2)
    run_jobs(QUEUE)
    assert traces() == ["bridge 1 2"]
    assert stock(job.id).return_value() == 3


def test_a_plain_function_has_one_attempt(settings: Any) -> None:
    settings.QUEUES_ALLOWED_FUNCTIONS = ["tests.testapp.jobs.bridge"]
    django_rq.get_queue(QUEUE).enqueue(bridge, "no", "numbers", "at all")
    assert run_jobs(QUEUE) == 1
    assert get_queue_stats(QUEUE) == QueueStats(failed=1)


def test_a_queue_that_is_not_asynchronous_runs_the_job_at_once(traces: Traces) -> None:
    job = django_rq.get_queue(QUEUE, is_async=False).enqueue(add, 1)
    assert traces() == ["add 1 0"]
    assert job.return_value() == 1


def foreign_options() -> dict[str, dict[str, Any]]:
    return {
        "depends_on": {"depends_on": "another"},
        "retry": {"retry": Retry(max=2)},
        "repeat": {"repeat": Repeat(times=2)},
        "on_success": {"on_success": Callback("tests.testapp.jobs.bridge")},
        "on_failure": {"on_failure": Callback("tests.testapp.jobs.bridge")},
        "on_stopped": {"on_stopped": Callback("tests.testapp.jobs.bridge")},
        "webhooks": {"webhooks": [Webhook("https://example.com", "finished")]},
        "rate_limit": {"rate_limit": RateLimit("key", concurrency=1)},
    }


FOREIGN = foreign_options()


@pytest.mark.parametrize("option", FOREIGN)
def test_what_no_worker_of_ours_would_honour_is_refused_at_every_door(option: str, connection: Redis, plain: rq.Queue) -> None:
    queue = django_rq.get_queue(QUEUE)
    plain.enqueue(ADD, 0, job_id="another")
    waiting = get_queue_stats(QUEUE)
    job = plain.create_job(ADD, (1,), **FOREIGN[option])
    doors: list[Callable[[], Any]] = [
        lambda: queue.enqueue(add, 1, **FOREIGN[option]),
        lambda: queue.enqueue(bridge, 1, **FOREIGN[option]),
        lambda: queue.enqueue_in(timedelta(seconds=1), add, 1, **FOREIGN[option]),
        lambda: queue.enqueue_job(job),
        lambda: queue.schedule_job(job, datetime.now(UTC)),
    ]
    if option != "rate_limit":  # which RQ's enqueue_many does not know
        doors.append(lambda: queue.enqueue_many([queue.prepare_data(add, [1], **FOREIGN[option])]))
    for door in doors:
        with pytest.raises(UnsupportedByQueues, match=option):
            door()
    assert get_queue_stats(QUEUE) == waiting


@pytest.mark.django_db
def test_inside_a_transaction_it_is_refused_at_once_and_what_is_right_leaves_on_commit(django_capture_on_commit_callbacks: Any) -> None:
    queue = django_rq.get_queue(QUEUE)
    with django_capture_on_commit_callbacks(execute=True):
        assert queue.enqueue(add, 1, at_front=True) is None, "as in django-rq"
        with pytest.raises(UnsupportedByQueues, match="retry"):
            queue.enqueue(add, 1, retry=Retry(max=1))
        with pytest.raises(InvalidPayload):
            queue.enqueue(add, "many")
        assert get_queue_stats(QUEUE).waiting == 0
    assert get_queue_stats(QUEUE).waiting == 1


@pytest.mark.parametrize("option", FOREIGN)
def test_by_plain_rq_it_reaches_the_queue_and_is_parked_with_the_reason(option: str, plain: rq.Queue, traces: Traces) -> None:
    plain.enqueue(ADD, 0, job_id="another")
    run_jobs(QUEUE)
    job = plain.enqueue(ADD, 1, **FOREIGN[option])
    assert run_jobs(QUEUE) == 1
    error = get_queue(QUEUE).get(job.id).error
    assert "which this worker does not do, so it was not run" in error
    assert traces() == ["add 0 0"]


def test_a_job_that_depends_on_an_unfinished_one_stays_deferred_until_somebody_enqueues_it(plain: rq.Queue) -> None:
    first = plain.enqueue(ADD, 1)
    second = plain.enqueue(ADD, 2, depends_on=first)
    run_jobs(QUEUE)
    assert plain.deferred_job_registry.get_job_ids() == [second.id]
    queue = django_rq.get_queue(QUEUE)
    queue._enqueue_job(queue.fetch_job(second.id))  # as django-rq's page does
    run_jobs(QUEUE)
    assert "dependency_id" in get_queue(QUEUE).get(second.id).error


def test_plain_rq_enqueues_registered_functions_by_their_path(plain: rq.Queue, traces: Traces) -> None:
    plain.enqueue(ADD, 1, second=2)
    plain.enqueue("tests.testapp.jobs.greet_all", name="Ann")
    with pytest.raises(TypeError, match="JSON"):
        plain.enqueue(greet, name="Ann")
    assert run_jobs(QUEUE) == 2
    assert traces() == ["add 1 2", "batch 1 Ann"]
