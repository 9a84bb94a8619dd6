"""One job that misbehaves costs neither its worker nor its neighbours anything."""

import time
from collections.abc import Callable, Iterator

import pytest
from django.test import override_settings
from redis import Redis

from queues import QueueStats, RetryLater, add_job, get_queue, get_queue_stats, job
from queues.jobs.backoff import LONGEST_SECONDS
from queues.jobs.registry import registry
from queues.testing import run_jobs
from queues.worker.claimer import Claimer, Room
from queues.worker.leases import Reaper
from tests.processes import StartWorker, wait_until
from tests.testapp.jobs import QUEUE, fail, greet, pause_long


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text either")


@pytest.fixture
def register() -> Iterator[Callable[..., None]]:
    """Registers a function as a job for one test."""
    names: list[str] = []

    def register(name: str, function: Callable[[], object], **options: object) -> None:
        function.__name__ = function.__qualname__ = name.replace("-", "_")
        job(name=name, queue=QUEUE, **options)(function)  # type: ignore[arg-type]
        names.append(name)

    yield register
    for name in names:
        registry.unregister(name)


def raising(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


@pytest.mark.parametrize("error", [ValueError("bad \udcff name"), Unprintable(), ValueError("x" * 100_000)])
def test_an_error_that_cannot_be_printed_or_encoded_is_still_the_jobs_error(register: Callable[..., None], error: Exception) -> None:
    register("raise-it", raising(error), attempts=1)
    add_job(QUEUE, "raise-it", {})
    greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, failed=1)
    assert get_queue(QUEUE).jobs("failed")[0].error.startswith(type(error).__name__)


@pytest.mark.parametrize("wait", [float("nan"), float("inf"), "soon", 1e17])
def test_a_back_off_that_gives_no_usable_wait_counts_as_the_default(register: Callable[..., None], wait: object) -> None:
    register("raise-it", raising(ValueError("no")), backoff=lambda n: wait)
    add_job(QUEUE, "raise-it", {})
    greet.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert get_queue_stats(QUEUE) == QueueStats(completed=1, delayed=1)
    assert 0 < get_queue(QUEUE).connection.zscore(f"rq:scheduled:{QUEUE}", get_queue(QUEUE).job_ids("delayed")[0]) - time.time() <= 1


def test_the_default_back_off_does_not_overflow(register: Callable[..., None], connection: Redis) -> None:
    register("raise-it", raising(ValueError("no")), attempts=5000)
    added = add_job(QUEUE, "raise-it", {})
    connection.hset(f"rq:job:{added.id}", "attempts_made", 4000)
    run_jobs(QUEUE)
    assert get_queue_stats(QUEUE).delayed == 1


def test_retry_later_is_bounded_and_keeps_its_dedupe_key(register: Callable[..., None]) -> None:
    register("pause", raising(RetryLater(1e300)))
    add_job(QUEUE, "pause", {}, dedupe="pause")
    run_jobs(QUEUE)
    assert get_queue_stats(QUEUE).delayed == 1
    assert RetryLater(float("nan")).seconds == 1.0


@pytest.mark.parametrize("delay", [float("nan"), float("inf"), LONGEST_SECONDS + 1])
def test_a_delay_out_of_range_is_refused_when_added(delay: float) -> None:
    with pytest.raises(ValueError, match="delay"):
        add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay)


def test_a_duplicate_neither_shortens_a_pause_that_was_asked_for_nor_inherits_failures(register: Callable[..., None]) -> None:
    register("pause", raising(RetryLater(60)))
    add_job(QUEUE, "pause", {}, dedupe="pause")
    run_jobs(QUEUE)
    add_job(QUEUE, "pause", {}, dedupe="pause")
    assert get_queue_stats(QUEUE) == QueueStats(delayed=1)
    add_job(QUEUE, "fail", {"name": "Ann"}, dedupe="ann")
    run_jobs(QUEUE)
    add_job(QUEUE, "fail", {"name": "Ann"}, dedupe="ann")
    (again,) = get_queue(QUEUE).jobs("waiting")
    assert again.attempts_made == 0, "asked for anew"
    assert fail.definition.name == again.name


def test_a_vanished_job_holds_its_dedupe_key_for_no_one(connection: Redis) -> None:
    first = add_job(QUEUE, "greet", {"name": "Ann"}, delay=60, dedupe="ann")
    connection.delete(f"rq:scheduled:{QUEUE}")
    assert add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann").id != first.id
    assert connection.ttl(f"rq:ext:{QUEUE}:dedupe:ann") <= 7 * 86400


def test_rubbish_in_redis_stops_no_worker_and_no_neighbour(connection: Redis, start_worker: StartWorker) -> None:
    good = greet.enqueue(name="Ann")
    connection.hset(b"rq:job:\xff", "name", "x")
    connection.hset("rq:job:long", mapping={"name": "x", "timeout": "9" * 400, "attempts_made": "many", "stalled": "9" * 50})
    connection.rpush("rq:job:list", 1)
    connection.lpush(f"rq:queue:{QUEUE}", b"\xff", "long", "list")
    connection.hset(f"rq:job:{good.id}", "dedupe", "taken")
    connection.rpush(f"rq:ext:{QUEUE}:dedupe:taken", 1)
    worker = start_worker(QUEUE, "--burst")
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert (get_queue_stats(QUEUE).completed, get_queue_stats(QUEUE).active) == (1, 0)


@override_settings(QUEUES_LEASE_SECONDS=3)
def test_a_stale_lease_is_taken_back_whoever_reaps_other_queues(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    Claimer(worker="gone", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=1)])
    connection.set("rq:ext:email-sync:reaper", 1)
    wait_until(lambda: connection.info("server")["uptime_in_seconds"] >= 3)
    Reaper([QUEUE]).reap(connection)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1)


@override_settings(QUEUES_LEASE_SECONDS=10**9)
def test_no_lease_is_taken_back_while_redis_is_young(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    Claimer(worker="alive", lease_seconds=0).claim(connection, [Room(queue=QUEUE, units=1)])
    Reaper([QUEUE]).reap(connection)
    assert get_queue_stats(QUEUE) == QueueStats(active=1)


def test_max_jobs_is_exact(connection: Redis, start_worker: StartWorker) -> None:
    for number in range(10):
        add_job(QUEUE, "greet-all", {"name": str(number)})
    output, _ = start_worker(QUEUE, "--max-jobs", "3").communicate(timeout=60)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=7, completed=3), output


def test_an_idle_worker_is_woken_although_a_full_one_took_the_marker(
    start_worker: StartWorker, times: Callable[[str], list[float]], traces: Callable[[], list[str]]
) -> None:
    for _ in range(2):
        start_worker(QUEUE)
    wait_until(lambda: len(get_queue(QUEUE).workers()) == 2)
    for number in range(5):
        greet.enqueue(name=f"slow {number}", seconds=10)
    wait_until(lambda: sum(trace.startswith("start slow") for trace in traces()) == 5)
    added = time.time()
    for number in range(4):
        greet.enqueue(name=f"quick {number}")
        time.sleep(0.1)
    wait_until(lambda: times("end quick 3"))
    assert times("start quick 3")[0] - added < 4, "before the full one has a thread again, and the idle one looks by itself"


def test_a_burst_does_not_wait_for_a_far_pause(start_worker: StartWorker) -> None:
    pause_long.enqueue(name="Ann")
    output, _ = start_worker(QUEUE, "--burst").communicate(timeout=60)
    assert get_queue_stats(QUEUE) == QueueStats(delayed=1), output
