"""What the queues promise, on a real Redis and in memory alike: one suite, run for both."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from redis import Redis

from queues import (
    Debounce,
    InvalidPayload,
    JobIdTaken,
    QueueStats,
    State,
    UnknownJob,
    UnknownQueue,
    add_job,
    add_jobs,
    cancel_job,
    clean_queue,
    drain_queue,
    get_failed_jobs,
    get_queue,
    get_queue_stats,
    is_paused,
    pause_queue,
    resume_queue,
    signals,
)
from queues.exceptions import WrongQueue
from queues.store import scripts
from queues.testing import memory_queues, run_jobs
from queues.worker.claims import Claimer, Room
from queues.worker.outcomes import Kind, Outcome, settle
from tests.testapp.jobs import QUEUE, fail, give_up, greet, greet_all, later_once, tell

Traces = Callable[[], list[str]]


@pytest.fixture(params=["redis", "memory"], autouse=True)
def connection(request: pytest.FixtureRequest) -> Iterator[Redis]:
    """An empty store of each kind."""
    if request.param == "memory":
        with memory_queues():
            yield get_queue(QUEUE).connection
    else:
        client = get_queue(QUEUE).connection
        client.flushdb()
        yield client


def names(state: str = "waiting") -> list[str]:
    return [job.data["name"] for job in get_queue(QUEUE).jobs(state)]


def claim(connection: Redis, worker: str = "w", units: int = 1, lease_seconds: int = 30) -> list[Any]:
    return Claimer(worker=worker, lease_seconds=lease_seconds).claim(connection, [Room(queue=QUEUE, units=units)])[0]


# adding


def test_an_added_job_is_stored_as_it_was_given() -> None:
    job = add_job(QUEUE, "greet", {"name": "Änn", "seconds": 0.5}, priority=2)
    (stored,) = get_queue(QUEUE).jobs("waiting")
    assert (stored.id, stored.name, stored.queue, stored.data) == (job.id, "greet", QUEUE, {"name": "Änn", "seconds": 0.5})
    assert (stored.state, stored.priority, stored.attempts, stored.attempts_made) == (State.WAITING, 2, 3, 0)
    assert stored.created_at is not None


def test_lower_priority_numbers_run_first_and_equal_ones_in_order(traces: Traces) -> None:
    order = ["most", "urgent", "n1", "n2", "p1", "p1b", "p5", "least"]
    priorities = {"p5": 5, "n1": 0, "p1": 1, "urgent": -1, "n2": 0, "p1b": 1, "most": -2097151, "least": 2097151}
    for name, priority in priorities.items():
        add_job(QUEUE, "greet", {"name": name}, priority=priority)
    assert names() == order
    run_jobs(QUEUE)
    assert [trace for trace in traces() if "start" in trace] == [f"start {name}" for name in order]


def test_a_delayed_job_is_not_run_before_its_time() -> None:
    job = greet.using(delay=0.3).enqueue(name="Ann")
    assert (job.state, get_queue_stats(QUEUE)) == (State.DELAYED, QueueStats(delayed=1))
    assert run_jobs(QUEUE) == 0
    time.sleep(0.31)
    assert run_jobs(QUEUE) == 1


def test_many_jobs_are_added_in_one_call() -> None:
    jobs = add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(1500)])
    assert get_queue(QUEUE).job_ids("waiting") == [job.id for job in jobs]


@pytest.mark.parametrize("delay", [None, 60])
def test_a_second_add_with_the_same_dedupe_key_returns_the_first(delay: float | None) -> None:
    first = add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay, dedupe="ann")
    assert add_job(QUEUE, "greet", {"name": "Ann"}, delay=delay, dedupe="ann").id == first.id
    assert sum([get_queue_stats(QUEUE).waiting, get_queue_stats(QUEUE).delayed]) == 1


def test_a_deduplicated_job_takes_the_earlier_time_and_the_better_priority() -> None:
    add_job(QUEUE, "greet", {"name": "other"})
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=60, dedupe="ann", priority=3)
    add_job(QUEUE, "greet", {"name": "Ann"}, delay=30, dedupe="ann", priority=3)
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, delayed=1)
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann", priority=-1)
    assert names() == ["Ann", "other"]


def test_a_dedupe_key_is_free_again_once_its_job_runs() -> None:
    first = add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann")
    run_jobs(QUEUE)
    assert add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann").id != first.id


# refusals


@pytest.mark.parametrize(
    ("error", "queue", "name", "data", "options"),
    [
        (UnknownQueue, "nowhere", "greet", {"name": "Ann"}, {}),
        (UnknownJob, QUEUE, "nothing", {}, {}),
        (WrongQueue, "embeddings", "greet", {"name": "Ann"}, {}),
        (InvalidPayload, QUEUE, "greet", {}, {}),
        (InvalidPayload, QUEUE, "greet", {"name": ["Ann"]}, {}),
        (InvalidPayload, QUEUE, "greet", {"name": "Ann", "surname": "Lee"}, {}),
        (InvalidPayload, QUEUE, "greet", "Ann", {}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"delay": 400 * 86400}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"delay": float("nan")}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"priority": 2097152}),
        (ValueError, QUEUE, "greet", {"name": "Ann"}, {"priority": -2097152}),
    ],
)
def test_what_cannot_be_a_job_is_refused_and_nothing_is_stored(
    connection: Redis, error: type[Exception], queue: str, name: str, data: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(error):
        add_job(queue, name, data, **options)
    assert list(connection.scan_iter()) == []


def test_one_invalid_job_refuses_all_of_its_call(connection: Redis) -> None:
    with pytest.raises(InvalidPayload):
        add_jobs(QUEUE, [("greet", {"name": "Ann"}), ("greet", {"nam": "Bob"})])
    assert list(connection.scan_iter()) == []


# transactions


@pytest.mark.django_db(transaction=True)
def test_a_job_of_a_transaction_is_published_on_commit() -> None:
    with transaction.atomic():
        job = greet.enqueue(name="Ann")
        assert (job.state, names()) == (State.PROVISIONAL, [])
    assert get_queue(QUEUE).job_ids("waiting") == [job.id]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_enqueues_nothing() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        greet.enqueue(name="Ann")
        raise RuntimeError
    with transaction.atomic():
        greet.enqueue(name="Bob")
        with pytest.raises(RuntimeError), transaction.atomic():
            greet.enqueue(name="Cleo")
            raise RuntimeError
        greet.enqueue(name="Dan")
    assert names() == ["Bob", "Dan"]


# runs


def test_a_completed_job_keeps_its_result_and_sends_its_signal() -> None:
    told: list[str] = []

    def receive(job: Any, **_: Any) -> None:
        told.append(job.id)

    signals.completed.connect(receive)
    try:
        job = greet.enqueue(name="Ann")
        assert run_jobs(QUEUE) == 1
    finally:
        signals.completed.disconnect(receive)
    (done,) = get_queue(QUEUE).jobs("completed")
    assert (told, done.id, done.state, done.attempts_made) == ([job.id], job.id, State.COMPLETED, 1)
    assert done.started_at and done.ended_at and done.worker


def test_a_failing_job_is_retried_and_then_a_dead_letter(connection: Redis) -> None:
    fail.enqueue(name="Ann")
    assert run_jobs(QUEUE) == 1
    (waits,) = get_queue(QUEUE).jobs("delayed")
    assert (waits.attempts_made, waits.error, waits.error_class) == (1, "ValueError: no luck with Ann", "ValueError")
    assert run_jobs(QUEUE, delayed=True) == 2
    (dead,) = get_failed_jobs(QUEUE)
    assert (dead.attempts_made, dead.state) == (3, State.FAILED)
    assert connection.xlen(f"rq:results:{dead.id}") == 3
    assert connection.hgetall(f"rq:ext:{QUEUE}:totals") == {b"retried": b"2", b"failed": b"1"}


def test_what_is_not_to_be_retried_is_dead_at_once() -> None:
    give_up.enqueue(name="Ann")
    run_jobs(QUEUE)
    assert [(job.attempts_made, job.error_class) for job in get_failed_jobs(QUEUE)] == [(1, "NonRetryable")]


def test_retry_later_charges_no_attempt(traces: Traces) -> None:
    later_once.enqueue(name="Ann")
    assert run_jobs(QUEUE, delayed=True) == 2
    (done,) = get_queue(QUEUE).jobs("completed")
    assert (done.attempts_made, traces()) == (1, ["start Ann"] * 2)


def test_a_batch_handler_gets_many_and_a_failing_item_is_retried_alone(traces: Traces) -> None:
    for number in range(12):
        greet_all.enqueue(name=f"n{number:02}", fails=number == 3)
    assert run_jobs(QUEUE, delayed=True) == 13
    sizes = [trace.split()[1:] for trace in traces()]
    assert [size for size, *_ in sizes] == ["10", "2", "1"]
    assert sizes[2][1] == "n03"
    assert get_queue_stats(QUEUE) == QueueStats(completed=12)


def test_only_so_many_completed_jobs_are_kept(connection: Redis) -> None:
    add_jobs(QUEUE, [("greet", {"name": str(number)}) for number in range(105)])
    run_jobs(QUEUE)
    assert (get_queue_stats(QUEUE).completed, names("completed")[0], len(connection.keys("rq:job:*"))) == (100, "104", 100)


# steering


def test_a_paused_queue_accepts_jobs_and_gives_none_until_resumed() -> None:
    pause_queue(QUEUE)
    greet.enqueue(name="Ann")
    greet.using(delay=60).enqueue(name="Bob")
    assert (is_paused(QUEUE), run_jobs(QUEUE, delayed=True), get_queue_stats(QUEUE)) == (True, 0, QueueStats(waiting=1, delayed=1))
    resume_queue(QUEUE)
    assert (is_paused(QUEUE), run_jobs(QUEUE)) == (False, 1)


def test_stats_count_each_state_and_write_nothing(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    greet.enqueue(name="Cleo")
    greet.using(priority=2).enqueue(name="Dan")
    greet.using(delay=60).enqueue(name="Eve")
    claim(connection)
    before = {key: connection.dump(key) for key in connection.scan_iter()}
    assert get_queue_stats(QUEUE) == QueueStats(waiting=1, active=1, completed=1, failed=1, delayed=1)
    assert {key: connection.dump(key) for key in connection.scan_iter()} == before


def test_clean_removes_what_ended_long_enough_ago(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    give_up.enqueue(name="Bob")
    run_jobs(QUEUE)
    time.sleep(0.01)
    queue = get_queue(QUEUE)
    assert (clean_queue(QUEUE, 3600), queue.clean(0, dry_run=True), clean_queue(QUEUE, 0, limit=1), clean_queue(QUEUE, 0)) == (0, 2, 1, 1)
    assert connection.keys("rq:job:*") == []


def test_dead_letters_are_retried_with_their_attempts_reset() -> None:
    dead = add_job(QUEUE, "give-up", {"name": "Ann"}, priority=-1)
    add_job(QUEUE, "give-up", {"name": "Bob"})
    run_jobs(QUEUE)
    queue = get_queue(QUEUE)
    assert queue.retry(dead.id) and not queue.retry(dead.id)
    assert queue.retry_failed(name="greet") == 0
    assert queue.retry_failed(name="give-up", error_class="NonRetryable") == 1
    assert [(job.data["name"], job.attempts_made, job.priority) for job in queue.jobs("waiting")] == [("Ann", 0, -1), ("Bob", 0, 0)]


@pytest.mark.parametrize("options", [{}, {"priority": 3}, {"delay": 60.0}])
def test_a_removed_job_leaves_nothing_behind(connection: Redis, options: dict[str, Any]) -> None:
    job = add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann", **options)
    queue = get_queue(QUEUE)
    assert queue.remove(job.id) and not queue.remove(job.id)
    assert get_queue_stats(QUEUE) == QueueStats()
    assert [key for key in connection.scan_iter("rq:*") if job.id.encode() in key or b"dedupe" in key] == []


def test_a_promoted_job_waits_behind_the_others_with_its_priority() -> None:
    later = add_job(QUEUE, "greet", {"name": "later"}, delay=60)
    urgent = add_job(QUEUE, "greet", {"name": "urgent"}, delay=60, priority=-1)
    now = greet.enqueue(name="now")
    queue = get_queue(QUEUE)
    assert queue.promote(later.id) and queue.promote(urgent.id) and not queue.promote(now.id)
    assert names() == ["urgent", "now", "later"]


# leases


def test_a_claimed_job_is_nobody_elses_and_is_not_removed(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    ((mine,),) = [unit.claims for unit in claim(connection)]
    assert (mine.id, claim(connection, "other"), get_queue(QUEUE).remove(job.id)) == (job.id, [], False)


def test_only_the_holder_of_the_lease_settles(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    ((first,),) = [unit.claims for unit in claim(connection, lease_seconds=0)]
    assert scripts.reap(connection, QUEUE, 1, "500:", "stalled", "JobStalled", "2026-01-02T03:04:05Z") == [first.id.encode(), b""]
    ((second,),) = [unit.claims for unit in claim(connection, "other")]
    assert (second.id, second.stalls, second.attempts_made) == (first.id, 1, 0)
    late, good = (Outcome(claim=each, kind=Kind.COMPLETED) for each in (first, second))
    assert settle(connection, "w", [late]) == []
    assert get_queue_stats(QUEUE) == QueueStats(active=1)
    assert settle(connection, "other", [good]) == [good]
    assert settle(connection, "other", [good]) == []
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_a_job_that_stalls_too_often_is_dead(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    for _ in range(2):
        claim(connection, lease_seconds=0)
        scripts.reap(connection, QUEUE, 1, "500:", "JobStalled: gone", "JobStalled", "2026-01-02T03:04:05Z")
    assert [(dead.id, dead.stalls, dead.error) for dead in get_failed_jobs(QUEUE)] == [(job.id, 2, "JobStalled: gone")]


def test_what_is_given_back_comes_first_and_is_not_charged(connection: Redis) -> None:
    greet.enqueue(name="Ann")
    greet.enqueue(name="Bob")
    ((mine,),) = [unit.claims for unit in claim(connection)]
    settle(connection, "w", [Outcome(claim=mine, kind=Kind.BACK)])
    assert [(job.data["name"], job.attempts_made) for job in get_queue(QUEUE).jobs("waiting")] == [("Ann", 0), ("Bob", 0)]


# rubbish


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b"\x80\x04N.", b'["os.system", null, ["true"], {}]'])
def test_planted_rubbish_is_refused_and_never_run(connection: Redis, data: bytes) -> None:
    connection.hset("rq:job:planted", mapping={"data": data, "status": "queued", "origin": QUEUE})
    connection.rpush(f"rq:queue:{QUEUE}", "planted")
    run_jobs(QUEUE)
    (dead,) = get_failed_jobs(QUEUE)
    assert dead.error.startswith("Refused")


@pytest.mark.parametrize("planted", [b"gone", b"\xff\xfe", b"", b"a b"])
def test_an_entry_without_a_job_is_dropped(connection: Redis, planted: bytes) -> None:
    connection.rpush(f"rq:queue:{QUEUE}", planted)
    connection.zadd(f"rq:ext:{QUEUE}:prio", {planted: -3})
    greet.enqueue(name="Ann")
    assert run_jobs(QUEUE) == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


def test_a_dedupe_key_of_another_type_holds_nothing(connection: Redis) -> None:
    connection.rpush(f"rq:ext:{QUEUE}:dedupe:ann", "x")
    add_job(QUEUE, "greet", {"name": "Ann"}, dedupe="ann")
    assert run_jobs(QUEUE) == 1


def test_numbers_that_are_none_count_as_absent(connection: Redis) -> None:
    job = greet.enqueue(name="Ann")
    connection.hset(
        f"rq:job:{job.id}", mapping={"attempts": "many", "attempts_made": "x", "stalled": "?", "priority": "high", "timeout": "1e9"}
    )
    assert run_jobs(QUEUE) == 1
    assert get_queue_stats(QUEUE) == QueueStats(completed=1)


# owners, windows, chosen ids, cancelling, draining, telling


def test_owners_take_turns(connection: Redis) -> None:
    add_jobs(QUEUE, [("mail", {"user_id": 1, "subject": str(number)}) for number in range(5)])
    add_job(QUEUE, "mail", {"user_id": 2, "subject": "alone"})
    owners = [claim(connection)[0].claims[0].job().owner for _ in range(3)]
    assert sorted(owners) == ["1", "1", "2"]


def test_a_debounced_job_takes_the_last_payload() -> None:
    first = add_job(QUEUE, "greet", {"name": "first"}, dedupe=Debounce("key", 60))
    assert add_job(QUEUE, "greet", {"name": "last"}, dedupe=Debounce("key", 60)).id == first.id
    assert names("delayed") == ["last"]


def test_an_unfinished_job_of_a_chosen_id_is_kept_and_a_finished_one_replaced() -> None:
    for name in ("first", "second"):
        add_job(QUEUE, "greet", {"name": name}, job_id="chosen")
    assert names() == ["first"]
    run_jobs()
    add_job(QUEUE, "greet", {"name": "third"}, job_id="chosen")
    assert (names(), names("completed")) == (["third"], [])
    with pytest.raises(JobIdTaken):
        add_job("embeddings", "sweep-embeddings", {}, job_id="chosen")


def test_what_is_cancelled_says_what_it_was(connection: Redis) -> None:
    waiting, delayed = greet.enqueue(name="a"), greet.using(delay=60).enqueue(name="b")
    assert (cancel_job(waiting.id), cancel_job(delayed.id)) == (State.WAITING, State.DELAYED)
    running = greet.enqueue(name="c")
    (unit,) = claim(connection)
    assert cancel_job(running.id) is State.ACTIVE
    (outcome,) = settle(connection, "w", [Outcome(claim=unit.claims[0], kind=Kind.BACK)])
    assert (outcome.kind, get_queue_stats(QUEUE)) == (Kind.DEAD, QueueStats(failed=3))


def test_a_drained_queue_is_empty() -> None:
    greet.enqueue(name="a")
    greet.using(priority=3).enqueue(name="b")
    greet.using(delay=60).enqueue(name="c")
    assert (drain_queue(QUEUE), drain_queue(QUEUE, delayed=True), get_queue_stats(QUEUE)) == (2, 1, QueueStats())


def test_progress_and_log_are_read_back() -> None:
    job = tell.enqueue(steps=3)
    run_jobs()
    assert (job.refresh().progress, job.logs()) == (100, ["step 0", "step 1", "step 2"])


def test_totals_and_the_oldest_waiting_job_are_told() -> None:
    greet.using(keep_completed=0).enqueue(name="gone")
    run_jobs()
    greet.enqueue(name="waits")
    stats = get_queue_stats(QUEUE)
    assert (stats.completed, stats.completed_total, stats.paused) == (0, 1, False)
    assert 0 <= (stats.oldest_waiting_seconds or 0) < 60
